"""Nothing is left: not after runs, not after an interruption, not after kill -9 and the next start."""

import os
import random
import signal
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from runner.errors import InfrastructureError
from runner.model.suite import Stop
from runner.sandbox import leftovers, live, workcopy
from runner.sandbox.containers import DockerSandbox
from runner.sandbox.engine import Engine
from runner.sandbox.mounts import mounted_under
from testing.commands import Command

TRIALS = int(os.environ.get("SEATRIAL_KILL_TRIALS", "12"))

_DRIVER = """
import sys
from pathlib import Path
from memory_trees import MemoryTrees
from runner.model.sandbox import Image, Job
from runner.sandbox.containers import DockerSandbox
from runner.sandbox.engine import Engine

class Reader:
    def record(self, record, child): print("running", flush=True)

cache, image, strategy, held, program = sys.argv[1:]
engine = Engine()
if held: engine.__dict__["shares_our_files"] = False
trees = MemoryTrees()
base = trees.add({"a.py": b"1", "b/c.py": b"2"}); tree = trees.add({"a.py": b"2"})
job = Job(image=Image(reference="x", id=image), base_tree=base, tree=tree, argv=("python3", "-c", program))
with DockerSandbox(engine, Path(cache), strategy=strategy) as sandbox:
    engine.info
    print("ready", flush=True)
    while True:
        sandbox.run(job, trees, Reader())
"""


def _driver(cache, image, strategy="", held="", program="import time; time.sleep(0.2)"):
    before = f"import sys\nsys.path.insert(0, {str(Path(__file__).parent)!r})\n{_DRIVER}"
    given = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return Command((str(cache), image.id, strategy, held, program), before=before, **given)


def _remains(engine, cache):
    label = f"{leftovers.HOME}={leftovers.home_label(cache)}"
    containers = [found["Id"] for found in engine.api.containers(all=True, filters={"label": label})]
    volumes = [found["Name"] for found in engine.api.volumes(filters={"label": label}).get("Volumes") or ()]
    files = [str(path) for path in (cache / "live").iterdir()] if (cache / "live").is_dir() else []
    return containers + volumes + list(map(str, mounted_under(cache))) + files


@pytest.mark.docker
def test_runs_side_by_side_leave_nothing(engine, run, image, tmp_path):
    with DockerSandbox(Engine(), tmp_path) as sandbox, ThreadPoolExecutor(2) as pool:
        seen = list(pool.map(lambda n: run(f"print({n})", where=sandbox).log, range(6)))
    assert seen == [f"{n}\n" for n in range(6)]
    assert _remains(engine, tmp_path) == []


@pytest.mark.docker
def test_a_run_that_hits_its_limits_leaves_nothing(engine, run, tmp_path):
    with DockerSandbox(Engine(), tmp_path) as sandbox:
        assert run("while True: print('x' * 10_000)", where=sandbox).stop is Stop.FLOODED
    assert _remains(engine, tmp_path) == []


@pytest.mark.docker
def test_after_kill_9_at_any_moment_the_next_start_leaves_nothing(engine, image, tmp_path):
    seed = random.randrange(2**32)
    chance = random.Random(seed)
    swept = 0
    for trial in range(TRIALS):
        way, held = chance.choice([("", ""), ("", ""), ("", "held"), (workcopy.STREAM, "")])
        victim = _driver(tmp_path, image, way, held)
        assert victim.stdout.readline() == "ready\n", victim.stderr.read()
        time.sleep(chance.uniform(0, 1.2))
        victim.kill()
        victim.communicate()
        swept += leftovers.sweep(Engine(), tmp_path).runs
        assert _remains(engine, tmp_path) == [], f"seed {seed}, trial {trial}, {way} {held}"
    assert swept > 0


@pytest.mark.docker
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_leaves_nothing_but_for_the_next_start(engine, image, tmp_path, number):
    victim = _driver(tmp_path, image, program='import os, time; os.write(198, b\'{"k":"t"}\\n\'); time.sleep(60)')
    assert [victim.stdout.readline(), victim.stdout.readline()] == ["ready\n", "running\n"]
    victim.send_signal(number)
    began = time.monotonic()
    victim.communicate(timeout=20)
    assert time.monotonic() - began < 10
    if number == signal.SIGTERM:  # nobody turned it into an exception here: the process just died
        leftovers.sweep(Engine(), tmp_path)
    assert _remains(engine, tmp_path) == []


@pytest.mark.docker
def test_cancelling_from_another_thread_ends_the_run_at_once(engine, run, tmp_path):
    with DockerSandbox(Engine(), tmp_path) as sandbox:
        timer = threading.Timer(1.0, sandbox.cancel)
        timer.start()
        began = time.monotonic()
        with pytest.raises(InfrastructureError, match="cancelled"):
            run("import time; time.sleep(60)", where=sandbox)
        assert time.monotonic() - began < 10
        with pytest.raises(InfrastructureError, match="cancelled"):
            run("", where=sandbox)
        timer.join()
    assert _remains(engine, tmp_path) == []


@pytest.mark.docker
def test_a_reader_that_breaks_ends_the_run_and_its_error_comes_out(engine, trees, image, sandbox, cache):
    from runner.model.sandbox import Job

    class Broken:
        def record(self, record, child):
            raise LookupError(record["k"])

    tree = trees.add({"a": b""})
    job = Job(
        image=image, base_tree=tree, tree=tree, argv=("python3", "-c", 'import os, time; os.write(198, b\'{"k":"t"}\\n\'); time.sleep(60)')
    )
    began = time.monotonic()
    with pytest.raises(LookupError, match="t"):
        sandbox.run(job, trees, Broken())
    assert time.monotonic() - began < 10


class _NoEngine:
    address = "nowhere"

    @property
    def api(self):
        raise AssertionError("the engine was spoken to")


def test_without_dead_runs_the_engine_is_not_spoken_to(tmp_path):
    alive = live.begin(tmp_path / "live")
    assert leftovers.sweep(_NoEngine(), tmp_path) == (0, 0, 0)
    assert alive.path.is_dir()
    alive.dispose()
    assert leftovers.sweep(_NoEngine(), tmp_path) == (0, 0, 0)
    assert list((tmp_path / "live").iterdir()) == []


def test_a_directory_whose_owner_is_dead_is_found_and_one_being_born_is_not(tmp_path):
    home = tmp_path / "live"
    dead = live.begin(home)
    (dead.path / "delta").mkdir()
    os.close(dead.lock)
    (home / "0123456789ab.new").mkdir()
    assert [found.id for found in live.stale(home)] == [dead.id]


@pytest.mark.docker
def test_a_sweep_of_everything_spares_runs_in_progress(engine, image, tmp_path):
    victim = _driver(tmp_path, image, program='import os, time; os.write(198, b\'{"k":"t"}\\n\'); time.sleep(60)')
    assert [victim.stdout.readline(), victim.stdout.readline()] == ["ready\n", "running\n"]
    assert leftovers.sweep_all(Engine(), tmp_path) == (0, 0, 0)
    assert victim.poll() is None
    victim.kill()
    victim.communicate()
    assert leftovers.sweep_all(Engine(), tmp_path).containers == 1
    assert _remains(engine, tmp_path) == []
