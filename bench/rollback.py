"""What each step of a promotion costs, and how long it takes until a rollback is verified, by target and number of files.

    python bench/rollback.py [--files 1000 10000 100000] [--methods exchange symlink journal ref] [--n N] [--cold] [--scratch FOLDER] [--json FILE]

A repository and a live folder of so many small files, in which a service has files of its own; a change of 20 files is promoted and taken
back. Every trial is a process of its own, all cases in random order within a round. `rollback verified` is from the decision until the
target was made what it was and every managed file was read again, with the steps on record, as the stage does it without the operator's
command: by the process that promoted it (`kept`), by another one that took over from it (`taken over`; `recover`, which comes before its
decision, is told apart), and with `--cold` (as root) by another one that found none of it in the machine's cache. Exits 1 when one trial is slower than 2 s at 1 000 files, or 10 s at
100 000; `processor` is what all of it used of the cores, for runs on a busy machine.
"""

from __future__ import annotations

import argparse
import gc
import json
import math
import os
import random
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final

from measure import git

METHODS: Final = ("exchange", "symlink", "journal", "ref")
LIMITS: Final = {1_000: 2.0, 100_000: 10.0}
TRIALS: Final = {1_000: 20, 10_000: 10, 100_000: 5}
PATHS: Final = 20
STEPS: Final = ("look", "backup", "backup again", "prepare", "swap", "take back", "verify", "tidy")
PARTS: Final = ("recover", "take back", "verify", "processor")
WAYS: Final = ("kept", "taken over", "cold")
_DWELL: Final = 0.3
"""Seconds between the promotion and the decision: a watch takes longer, and what is fresh on disk is read again."""


# The folders


def repository(folder: Path, files: int) -> Path:
    """A bare repository with the branches `base` and `change`; sizes spread as those of sources do, median 2.5 kB."""
    repo, chance = folder / f"repo-{files}.git", random.Random(7)
    git(folder, "init", "-q", "--bare", str(repo))
    text = "".join(f"value_{number} = {chance.random()}  # {chance.getrandbits(64):x}\n" for number in range(12_000)).encode()
    names = [f"src/part{number // 1000}/unit{number // 20 % 50}/module_{number}.py" for number in range(files)]
    with subprocess.Popen(["git", "fast-import", "--quiet"], cwd=repo, stdin=subprocess.PIPE) as importing:
        pipe = importing.stdin
        assert pipe is not None
        pipe.write(b"commit refs/heads/base\ncommitter bench <bench@example.invalid> 1700000000 +0000\ndata 4\nbase\n")
        for number, name in enumerate(names):
            size = min(200_000, int(chance.lognormvariate(math.log(2500), 1.2)))
            start = chance.randrange(len(text) - size)
            _file(pipe, name, b"# module %d\n" % number + text[start : start + size])
        pipe.write(
            b"commit refs/heads/change\ncommitter bench <bench@example.invalid> 1700000060 +0000\ndata 6\nchange\nfrom refs/heads/base\n"
        )
        for number, name in enumerate(chance.sample(names, PATHS)):
            if number % 7 == 0:
                pipe.write(f"D {name}\n".encode())
            else:
                _file(pipe, f"src/new/{number}.py" if number % 7 == 1 else name, text[: 1000 + 100 * number])
    if importing.returncode:
        raise SystemExit("git fast-import failed")
    return repo


def _file(pipe: Any, name: str, content: bytes) -> None:
    pipe.write(b"M 100644 inline %s\ndata %d\n%s\n" % (name.encode(), len(content), content))


def target(folder: Path, repo: Path, method: str) -> None:
    """The target in `folder`: a bare repository, or a live folder that a service works in."""
    folder.mkdir()
    if method == "ref":
        git(folder, "clone", "-q", "--bare", "--no-hardlinks", str(repo), "target.git")
        return
    live = folder / "site" / ("releases/first" if method == "symlink" else "app")
    live.mkdir(parents=True)
    with subprocess.Popen(["git", "archive", "base"], cwd=repo, stdout=subprocess.PIPE) as archive:
        subprocess.run(["tar", "-x", "-C", str(live)], stdin=archive.stdout, check=True)
    _served(live)
    if method == "symlink":
        (folder / "site" / "app").symlink_to("releases/first")
    os.sync()


def _served(live: Path) -> None:
    """What a service leaves in its folder: caches beside a tenth of the sources, a log, a database."""
    for number, unit in enumerate(sorted(live.glob("src/*/*"))):
        if number % 10 == 0:
            (unit / "__pycache__").mkdir()
            for source in sorted(unit.glob("*.py")):
                (unit / "__pycache__" / f"{source.stem}.cpython-311.pyc").write_bytes(os.urandom(3000))
    (live / "data").mkdir()
    (live / "data" / "app.log").write_bytes(b"GET /health 200\n" * 60_000)
    with closing(sqlite3.connect(live / "data" / "app.db")) as connection:
        connection.execute("create table rows (n integer primary key, pad text)")
        connection.executemany("insert into rows values (?, ?)", ((number, "x" * 100) for number in range(10_000)))
        connection.commit()


# One trial, in a process of its own


class Trial:
    """One process's work with one target, and what each step of it took."""

    def __init__(self, folder: Path, repo: Path, method: str) -> None:
        from runner.store.backups import SqlBackups
        from runner.store.places import claim
        from runner.store.promotions import SqlPromotions
        from runner.vault.options import Options
        from runner.vault.vault import FileVault

        self.folder, self.repo, self.method = folder, repo, method
        self.state = claim(folder / "state")
        self.promotions = SqlPromotions(self.state)
        self.vault = FileVault(self.state, SqlBackups(self.state), Options())
        self.promotions.now()  # the database is made
        self.taken: dict[str, float] = {}

    def timed(self, name: str, act: Callable[..., Any], *given: Any) -> Any:
        """What the act gives; its seconds are noted, or added to those that were."""
        began = time.perf_counter()
        answer = act(*given)
        self.taken[name] = self.taken.get(name, 0.0) + time.perf_counter() - began
        return answer

    @contextmanager
    def process(self, *, grace: float = 0.0) -> Iterator[tuple[Any, Any]]:
        """Trees and target as a process makes them: nothing is remembered."""
        from runner.git.objects import PrivateObjects
        from runner.targets.folder import FolderTarget
        from runner.targets.options import Promote
        from runner.targets.ref import RefTarget
        from runner.targets.spec import Spec

        bare = self.folder / "target.git"
        with PrivateObjects(self.repo, self.state / "objects", (bare,) if self.method == "ref" else ()) as trees:
            if self.method == "ref":
                yield trees, RefTarget(Spec("git", bare, "refs/heads/base"), trees, Promote())
            else:
                yield trees, FolderTarget(self.folder / "site" / "app", grace=grace)

    def promoted(self, trees: Any, aim: Any, *, measured: bool) -> Any:
        """A promotion that was made; its backup is made first, twice, where it is measured."""
        from runner.model.promotion import Promotion, Step

        timed = self.timed if measured else lambda _name, act, *given: act(*given)
        commit = trees.resolve("base")
        before, after = trees.tree_of(commit), trees.tree_of(trees.resolve("change"))
        run = f"{time.time_ns():x}"
        if timed("look", aim.look, trees, (before, after)).tree != before:
            raise SystemExit("the target is not what it should be, no figures")
        if measured:
            for name in ("backup", "backup again"):
                timed(name, lambda: self.vault.keep(aim.key, run, aim.items(trees, before)))
        wanted = Promotion(run=run, target=aim.key, before=before, after=after, base=commit, message="bench\n", when=1_700_000_100)
        promotion = self.promotions.begin(wanted)
        prepared = timed("prepare", aim.prepare, promotion, trees)
        if prepared.method != self.method:
            raise SystemExit(f"promoted by {prepared.method}, not by {self.method}: no figures")
        promotion = self.promotions.step(prepared, step=Step.PREPARED)
        timed("swap", aim.swap, promotion, trees)
        if why := aim.verify(promotion, trees, after):
            raise SystemExit(f"not promoted: {why}")
        return self.promotions.step(promotion, step=Step.PROMOTED)

    def rolled_back(self, way: str, promotion: Any, trees: Any, aim: Any, *, take_over: bool) -> Any:
        """The promotion once it was taken back and verified, as `runner/stages/settle.py` does it; the seconds of the whole, and of its parts."""
        from runner.model.promotion import Step

        if take_over:
            promotion = self.promotions.take(promotion)
            self.timed(f"recover, {way}", aim.recover, promotion, trees)
        began, used = time.perf_counter(), sum(os.times()[:4])
        decided = self.promotions.now()
        promotion = self.promotions.step(promotion, step=Step.TAKING_BACK, attempts=1, decided=decided, note="bench")
        self.promotions.check(promotion)
        named = "" if way == "kept" else f", {way}"
        standing = self.timed(f"take back{named}", aim.take_back, promotion, trees)
        why = self.timed(f"verify{named}", aim.verify, promotion, trees, standing.tree)
        self.taken[way] = time.perf_counter() - began
        self.taken[f"processor, {way}"] = sum(os.times()[:4]) - used
        if why or standing.tree != promotion.before:
            raise SystemExit(f"not taken back, no figures: {standing.reason} {why}")
        return self.promotions.step(promotion, step=Step.ROLLED_BACK)


def trial(folder: Path, repo: Path, method: str, *, cold: bool) -> dict[str, float]:
    """Seconds of each step, and of each way in which a rollback comes about."""
    from runner.cli.main import FEWER_COLLECTIONS
    from runner.targets.folder.target import GRACE

    gc.set_threshold(*FEWER_COLLECTIONS)  # as the command does
    shutil.rmtree(folder / "state", ignore_errors=True)
    if method == "journal":  # a mount point cannot change places with a folder; the mount ends with this process's name space
        live = str(folder / "site" / "app")
        subprocess.run(["mount", "--bind", live, live], check=True)
    at_work = Trial(folder, repo, method)
    with at_work.process(grace=GRACE) as (trees, aim):
        promotion = at_work.promoted(trees, aim, measured=True)
        time.sleep(_DWELL)
        promotion = at_work.rolled_back("kept", promotion, trees, aim, take_over=False)
        at_work.timed("tidy", aim.tidy, promotion, trees)
    for way in ("taken over", "cold") if cold else ("taken over",):
        with at_work.process() as (trees, aim):
            promotion = at_work.promoted(trees, aim, measured=False)
        time.sleep(_DWELL)
        if way == "cold":
            os.sync()
            Path("/proc/sys/vm/drop_caches").write_text("3")
        with at_work.process() as (trees, aim):
            promotion = at_work.rolled_back(way, promotion, trees, aim, take_over=True)
            aim.tidy(promotion, trees)
    return at_work.taken


def child(folder: Path, repo: Path, method: str, *, cold: bool) -> dict[str, float]:
    """`trial` in a fresh process."""
    alone = ["unshare", "--mount", *([] if os.geteuid() == 0 else ["--map-root-user"])] if method == "journal" else []
    argv = [*alone, sys.executable, __file__, "--trial", str(folder), str(repo), method, *(["--cold"] if cold else [])]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{method} in {folder.name}: {done.stderr[-2000:]}")
    taken: dict[str, float] = json.loads(done.stdout)
    return taken


# The figures


def p95(values: list[float]) -> float:
    """By the nearest rank: of fewer than 20 it is the greatest."""
    return sorted(values)[math.ceil(0.95 * len(values)) - 1]


def told(case: str, taken: list[dict[str, float]], loads: list[float], limit: float | None) -> bool:
    """Print the figures of a case; whether every rollback was within its limit."""
    within = True
    print(f"\n{case}, n {len(taken)}, load {min(loads):.1f} to {max(loads):.1f}")
    print("  " + "   ".join(f"{name} {_brief([one[name] for one in taken])}" for name in STEPS))
    for way in WAYS:
        values = [one[way] for one in taken if way in one]
        if values:
            kept = limit is None or max(values) <= limit
            within &= kept
            bound = "" if limit is None else f"   limit {limit:g} s: {'holds' if kept else 'DOES NOT HOLD'}"
            figures = f"median {statistics.median(values):.3f}  p95 {p95(values):.3f}  max {max(values):.3f}"
            print(f"  rollback verified, {way:<11} {figures}{bound}{_parts(taken, way)}", flush=True)
    return within


def _parts(taken: list[dict[str, float]], way: str) -> str:
    """The medians of what the rollback consists of, where they do not stand among the steps; `processor`: what it used of the machine's cores."""
    named = [(name, f"{name}, {way}") for name in PARTS]
    told = [f"{name} {statistics.median(one[key] for one in taken):.3f}" for name, key in named if key in taken[0]]
    return f"   ({', '.join(told)})" if told else ""


def _brief(values: list[float]) -> str:
    return f"{statistics.median(values):.3f} ({max(values):.3f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, nargs="+", default=[1_000, 10_000, 100_000])
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS))
    parser.add_argument("--n", type=int, help="trials of each case; 20 at 1 000 files, 10 at 10 000, 5 at 100 000")
    parser.add_argument("--cold", action="store_true", help="as root: also with the machine's whole cache dropped before the decision")
    parser.add_argument("--scratch", type=Path, help="where the folders are made and removed, on the file system to be measured")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--trial", nargs=3, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.trial:
        folder, repo, method = asked.trial
        print(json.dumps(trial(Path(folder), Path(repo), method, cold=asked.cold)))
        return
    taken: dict[tuple[int, str], list[dict[str, float]]] = {}
    loads: dict[tuple[int, str], list[float]] = {}
    within = True
    print(f"seconds, median (greatest); a change of {PATHS} files; {'cold where it says so, else ' if asked.cold else ''}warm cache")
    with tempfile.TemporaryDirectory(dir=asked.scratch) as scratch:
        for files in asked.files:
            repo = repository(Path(scratch), files)
            for method in asked.methods:
                target(Path(scratch) / f"{files}-{method}", repo, method)
            cases, chance = list(asked.methods), random.Random(7)
            rounds = asked.n or TRIALS.get(files, 5)
            for number in range(rounds):
                chance.shuffle(cases)
                for method in cases:
                    loads.setdefault((files, method), []).append(os.getloadavg()[0])
                    one = child(Path(scratch) / f"{files}-{method}", repo, method, cold=asked.cold)
                    taken.setdefault((files, method), []).append(one)
                    ways = ", ".join(f"{way} {one[way]:.2f}" for way in WAYS if way in one)
                    said = f"{files} files, round {number + 1} of {rounds}, {method}: {ways}, load {os.getloadavg()[0]:.1f}"
                    print(said, file=sys.stderr, flush=True)
            for method in asked.methods:
                within &= told(f"{files} files, {method}", taken[files, method], loads[files, method], LIMITS.get(files))
    if asked.json:
        asked.json.write_text(json.dumps({f"{files} {method}": all_ for (files, method), all_ in taken.items()}, indent=1) + "\n")
    sys.exit(0 if within else 1)


if __name__ == "__main__":
    main()
