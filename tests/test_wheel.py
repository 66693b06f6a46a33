"""What the wheel ships beside the code."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    folder = tmp_path_factory.mktemp("wheel")
    argv = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


@pytest.mark.parametrize(
    "name",
    [
        "runner/py.typed",
        "runner/images/python/install.py",
        "runner/policies/default.yaml",
        "runner/policies/policy.v1.schema.json",
        "runner/reports/report.v1.schema.json",
        "runner/store/migrations/env.py",
        "runner/store/migrations/versions/0001_runs.py",
        "runner/sandbox/inside/launch.py",
        "runner/trial/inside/pytest_session.py",
        "runner/trial/inside/source_trees.py",
        "runner/examples/berth/pyproject.toml",
        "runner/examples/changes/good.diff",
        "runner/examples/changes/broken.diff",
        "runner/examples/changes/cheating.diff",
    ],
)
def test_the_wheel_ships_what_the_program_reads(shipped: set[str], name: str) -> None:
    assert name in shipped


def test_the_wheel_ships_every_file_of_the_package_and_none_of_the_tests(shipped: set[str]) -> None:
    tracked = subprocess.run(["git", "ls-files", "runner"], cwd=ROOT, capture_output=True, text=True, check=False).stdout.split()
    assert set(tracked) <= shipped
    assert not [name for name in shipped if name.startswith(("tests/", "testing/", "bench/")) or name.endswith(".pyc")]
