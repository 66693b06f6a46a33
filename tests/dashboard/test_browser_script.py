"""The script that puts the browser there which the other tests need, on machines made of stand-ins."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DEBIAN = "ID=debian\n"
APT = '#!/bin/sh\necho "$*" >>"$ASKED"\ncase "$*" in *install*) printf "#!/bin/sh\\n" >"$SEATRIAL_CHROMIUM"; chmod +x "$SEATRIAL_CHROMIUM" ;; esac\n'


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    (tmp_path / "bin").mkdir()
    (tmp_path / "os-release").write_text(DEBIAN)
    for name in ("bash", "grep", "dirname", "flock", "chmod"):
        (tmp_path / "bin" / name).symlink_to(shutil.which(name) or f"/bin/{name}")
    command(tmp_path, "id", "#!/bin/sh\necho 0\n")
    command(tmp_path, "apt-get", APT)
    return tmp_path


def command(machine: Path, name: str, text: str) -> None:
    file = machine / "bin" / name
    file.write_text(text)
    file.chmod(0o755)


def run(machine: Path) -> tuple[int, str]:
    own = {
        "PATH": str(machine / "bin"),
        "ASKED": str(machine / "asked"),
        "SEATRIAL_CHROMIUM": str(machine / "chromium"),
        "SEATRIAL_BROWSER_LOCK": str(machine / "lock"),
        "SEATRIAL_OS_RELEASE": str(machine / "os-release"),
    }
    argv = ["/bin/bash", str(ROOT / "scripts/browser.sh")]
    done = subprocess.run(argv, env=own, capture_output=True, text=True, check=False, timeout=60)
    return done.returncode, done.stdout + done.stderr


def test_a_browser_is_installed_once(machine: Path) -> None:
    assert run(machine) == (0, "browser: installing chromium\n")
    asked = (machine / "asked").read_text().splitlines()
    assert asked[-1].endswith("install -y --no-install-recommends chromium fonts-dejavu-core")
    assert run(machine) == (0, "")
    assert (machine / "asked").read_text().splitlines() == asked


@pytest.mark.parametrize(
    ("system", "user", "apt", "words"),
    [
        (DEBIAN, "1000", APT, "sudo bash "),
        ("ID=fedora\n", "0", APT, "put Chromium at"),
        ("ID=ubuntu\nID_LIKE=debian\n", "0", APT, "put Chromium at"),
        (DEBIAN, "0", "#!/bin/sh\nexit 100\n", "could not be installed"),
        (DEBIAN, "0", "#!/bin/sh\n", "the package has no"),
    ],
)
def test_without_one_setup_goes_on_and_says_which_tests_will_not_run(machine: Path, system: str, user: str, apt: str, words: str) -> None:
    (machine / "os-release").write_text(system)
    command(machine, "id", f"#!/bin/sh\necho {user}\n")
    command(machine, "apt-get", apt)
    status, said = run(machine)
    assert (status, "tests in a browser will be skipped" in said, words in said) == (0, True, True)
    assert (machine / "asked").exists() is False


def test_the_makefile_asks_for_it_before_any_test() -> None:
    assert os.access(ROOT / "scripts/browser.sh", os.X_OK)
    made = (ROOT / "Makefile").read_text()
    assert " browser " in next(line for line in made.splitlines() if line.startswith("setup:"))
