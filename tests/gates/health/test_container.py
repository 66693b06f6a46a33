"""Inside a real container the container's limits are what is told, not the host's totals."""

import json
import platform
from pathlib import Path

import psutil
import pytest

import runner
from runner.sandbox.engine import Engine

MIB = 2**20
PACKAGES = Path(psutil.__file__).parents[1]
SOURCE = Path(runner.__file__).parents[1]
PROGRAM = """
import json, platform, sys
if platform.python_version_tuple()[:2] != tuple(sys.argv[1:]):
    print(json.dumps({"python": platform.python_version()}))
    raise SystemExit
sys.path += ["/packages", "/source"]
from pathlib import Path
from runner.gates.health.kernel import Roots
from runner.gates.health.sampling import take
from runner.gates.health.signals import to_body
print(json.dumps(to_body(take(Roots(), {"root": Path("/")}, lambda: 0.001, earlier=(), wait=True))))
"""


def inside(engine: Engine) -> dict[str, dict[str, list[list[object]]]]:
    tags = [tag for item in engine.api.images() for tag in item.get("RepoTags") or () if tag.startswith("seatrial/base:")]
    if not tags:
        pytest.skip("NOT RUN, there is no base image: make image")
    limits = {"mem_limit": 256 * MIB, "pids_limit": 64, "cpu_period": 100_000, "cpu_quota": 50_000}
    binds = [f"{PACKAGES}:/packages:ro", f"{SOURCE}:/source:ro"]
    host = engine.api.create_host_config(network_mode="none", binds=binds, **limits)
    command = ["python3", "-I", "-c", PROGRAM, *platform.python_version_tuple()[:2]]
    container = engine.api.create_container(min(tags), command, host_config=host, labels={"dev.seatrial.test": "health"})["Id"]
    try:
        engine.api.start(container)
        status = engine.api.wait(container, timeout=60)["StatusCode"]
        said = engine.api.logs(container, stderr=status != 0)
    finally:
        engine.api.remove_container(container, force=True)
    assert status == 0, said.decode()
    answer: dict[str, dict[str, list[list[object]]]] = json.loads(said)
    if "python" in answer:
        pytest.skip(f"NOT RUN, the base image has Python {answer['python']}, whose packages are not ours")
    return answer


@pytest.mark.docker
def test_a_container_with_limits_tells_them() -> None:
    engine = Engine()
    if not engine.shares_our_files:
        pytest.skip("NOT RUN, the engine does not see our files")
    body = inside(engine)
    engine.close()
    assert body["not"] == {}
    memory = {source.partition(" ")[0]: values for values, source in body["read"]["memory_available"]}  # type: ignore[attr-defined]
    assert 0 < memory["cgroup"]["size"] < 256 * MIB < memory["host"]["size"]
    pids = {source.partition(" ")[0]: values for values, source in body["read"]["pids_free"]}  # type: ignore[attr-defined]
    assert 0.5 < pids["cgroup"]["share"] < 1
    assert [source for _, source in body["read"]["cpu"]] == ["host", "cgroup"]
    assert body["cpu"][3] == 0.5
