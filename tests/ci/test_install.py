"""ci/install.sh with a stand-in for Python: what it asks of pip, and what it does not do."""

import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PYTHON = """#!/bin/sh
echo "$PWD: $*" >>"{log}"
case "$*" in
    *"-m venv"*) mkdir -p venv/bin venv/lib && cp "$0" venv/bin/python ;;
    *sysconfig*) echo "$PWD/venv/lib" ;;
esac
exit {status}
"""


def install(folder: Path, tmp_path: Path, status: int = 0) -> subprocess.CompletedProcess[str]:
    bin_ = tmp_path / "bin"
    bin_.mkdir(exist_ok=True)
    for name in ("python3", "python3.11", "python3.12", "python3.13", "python3.14"):
        (bin_ / name).write_text(PYTHON.format(log=tmp_path / "log", status=status))
        (bin_ / name).chmod(0o755)
    hostile = tmp_path / "workspace"
    hostile.mkdir(exist_ok=True)
    env = {"PATH": f"{bin_}:{os.environ['PATH']}", "HOME": str(tmp_path)}
    return subprocess.run([ROOT / "ci" / "install.sh", folder], cwd=hostile, env=env, capture_output=True, text=True, check=False)


def test_packages_come_by_their_hashes_and_nothing_is_built_or_run_in_the_workspace(tmp_path: Path) -> None:
    folder = tmp_path / "a folder"
    assert install(folder, tmp_path).returncode == 0
    calls = (tmp_path / "log").read_text().splitlines()
    assert all(call.startswith(f"{folder}: -I ") or ": -I -c import sys" in call for call in calls)
    (pip,) = [call for call in calls if "-m pip" in call]
    assert "--require-hashes --only-binary :all:" in pip
    assert pip.endswith(f"--requirement {ROOT}/requirements/runtime.txt")
    assert (folder / "venv" / "lib" / "seatrial.pth").read_text() == f"{ROOT}\n"
    assert f'"{folder}/venv/bin/python" -I -m runner.cli "$@"' in (folder / "seatrial").read_text()


def test_what_is_there_is_used_again(tmp_path: Path) -> None:
    folder = tmp_path / "tool"
    install(folder, tmp_path)
    before = (tmp_path / "log").read_text()
    assert install(folder, tmp_path).returncode == 0
    assert (tmp_path / "log").read_text() == before


def test_a_machine_without_a_fitting_python_is_told_so(tmp_path: Path) -> None:
    done = install(tmp_path / "tool", tmp_path, status=1)
    assert done.returncode == 4
    assert "no Python 3.11 or newer" in done.stderr
    assert not (tmp_path / "tool" / "seatrial").exists()
