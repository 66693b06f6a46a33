"""scripts/engine.sh, postgres.sh and venv.sh: what they decide, with stand-ins for everything that would change this machine."""

import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
DEBIAN = "ID=debian\nVERSION_CODENAME=bookworm\n"
DOCKERD = """#!/usr/bin/python3
import os, socket, sys
here = os.environ["SEATRIAL_RUN_DIR"]
line = socket.socket(socket.AF_UNIX)
line.bind(here + "/docker.sock")
line.listen()
open(here + "/docker.pid", "w").write(str(os.getpid()))
open(here + "/started", "a").write("%d\\n" % os.getpid())
print("stand-in listens", flush=True)
while True:
    caller, _ = line.accept()
    caller.recv(1000)
    caller.sendall(b"HTTP/1.0 200 OK\\r\\n\\r\\nOK")
    caller.close()
"""
FAILING_DOCKERD = "#!/bin/sh\necho 'failed to start daemon: no kernel support' >&2\nexit 1\n"
APT = '#!/bin/sh\necho "$*" >>"$SEATRIAL_RUN_DIR/apt"\n'


@dataclass
class Machine:
    """A machine whose commands, run directory and distribution are the test's own."""

    folder: Path

    @property
    def run(self) -> Path:
        return self.folder / "run"

    @property
    def log(self) -> Path:
        return self.folder / "dockerd.log"

    def command(self, name: str, script: str) -> None:
        file = self.folder / "bin" / name
        file.unlink(missing_ok=True)  # it may be a link to this machine's own
        file.write_text(script)
        file.chmod(0o755)

    def write(self, name: str, text: str) -> Path:
        file = self.folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return file

    def env(self, **more: str) -> dict[str, str]:
        return {
            "PATH": str(self.folder / "bin"),
            "HOME": str(self.folder),
            "SEATRIAL_RUN_DIR": str(self.run),
            "SEATRIAL_ENGINE_LOG": str(self.log),
            "SEATRIAL_ENGINE_LOCK": str(self.folder / "lock"),
            "SEATRIAL_OS_RELEASE": str(self.folder / "os-release"),
            "SEATRIAL_SYSTEMD_DIR": str(self.folder / "systemd"),
            "SEATRIAL_SBIN": str(self.folder / "sbin"),
            "SEATRIAL_ENGINE_WAIT": "10",
            **more,
        }

    def start(self, **more: str) -> "subprocess.Popen[str]":
        argv = ["/bin/bash", str(ROOT / "scripts/engine.sh")]
        return subprocess.Popen(argv, env=self.env(**more), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def engine(self, **more: str) -> tuple[int, str]:
        process = self.start(**more)
        said, _ = process.communicate(timeout=60)
        return process.returncode, said

    def postgres(self) -> tuple[int, str]:
        own = {
            name: str(self.folder / name.lower())
            for name in ("SEATRIAL_POSTGRES_LIB", "SEATRIAL_POSTGRES_DEFAULTS", "SEATRIAL_POSTGRES_LOCK")
        }
        argv = ["/bin/bash", str(ROOT / "scripts/postgres.sh")]
        done = subprocess.run(argv, env=self.env(**own), capture_output=True, text=True, check=False, timeout=60)
        return done.returncode, done.stdout + done.stderr

    def starts(self) -> list[int]:
        file = self.run / "started"
        return [int(line) for line in file.read_text().split()] if file.exists() else []


@pytest.fixture
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """Debian, root, git and mmdebstrap there, dockerd a stand-in, nothing running."""
    made = Machine(tmp_path_factory.mktemp("m", numbered=True))
    for folder in ("bin", "run"):
        (made.folder / folder).mkdir()
    made.write("os-release", DEBIAN)
    for name in ("bash", "cat", "tr", "grep", "sed", "rm", "mkdir", "dirname", "tail", "sleep", "flock", "setsid", "timeout", "ls", "env"):
        (made.folder / "bin" / name).symlink_to(shutil.which(name) or f"/bin/{name}")
    (made.folder / "bin" / "python3").symlink_to("/usr/bin/python3" if Path("/usr/bin/python3").exists() else shutil.which("python3") or "")
    made.command("id", '#!/bin/sh\n[ "$1" = -un ] && echo someone || echo 0\n')
    for name in ("git", "mmdebstrap"):
        made.command(name, "#!/bin/sh\n")
    made.command("apt-get", APT)
    made.command("dockerd", DOCKERD)
    yield made
    for process in made.starts():
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGTERM)


def test_an_engine_that_answers_is_left_alone(machine: Machine) -> None:
    assert machine.engine()[0] == 0
    status, said = machine.engine()
    assert (status, said, len(machine.starts())) == (0, "", 1)
    assert not (machine.run / "apt").exists()


def test_the_daemon_outlives_the_script_and_holds_neither_its_lock_nor_its_output(machine: Machine) -> None:
    status, said = machine.engine()
    assert status == 0, said
    (daemon,) = machine.starts()
    assert os.getsid(daemon) == daemon
    held = {str(entry.readlink()) for entry in Path(f"/proc/{daemon}/fd").iterdir()}
    assert str(machine.folder / "lock") not in held
    assert not any(name.startswith("pipe:") for name in held)
    assert str(machine.log) in held


@pytest.mark.parametrize("content", ["", "999999999", "not a number", "{ours}"])
def test_a_stale_pid_file_is_removed_even_when_its_number_is_another_programs(machine: Machine, content: str) -> None:
    (machine.run / "docker.pid").write_text(content.format(ours=os.getpid()))
    (machine.run / "docker/containerd").mkdir(parents=True)
    (machine.run / "docker/containerd/containerd.pid").write_text("999999999")
    status, said = machine.engine()
    assert status == 0, said
    assert "is no dockerd" in said
    assert not (machine.run / "docker/containerd/containerd.pid").exists()


def test_a_daemon_that_is_still_starting_is_waited_for_and_never_started_twice(machine: Machine) -> None:
    machine.command(
        "dockerd",
        DOCKERD.replace(
            "line.listen()", "import time; open(here + '/docker.pid', 'w').write(str(os.getpid())); time.sleep(2); line.listen()"
        ),
    )
    slow = subprocess.Popen([str(machine.folder / "bin/dockerd")], env=machine.env(), stdout=subprocess.DEVNULL)
    _until(lambda: (machine.run / "docker.pid").exists() and (machine.run / "docker.pid").read_text() != "")
    status, said = machine.engine()
    assert (status, machine.starts()) == (0, [slow.pid]), said
    assert "runs already" in said
    slow.terminate()
    slow.wait()


def test_two_at_once_start_one_daemon(machine: Machine) -> None:
    both = [machine.start(), machine.start()]
    said = [process.communicate(timeout=60)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    assert len(machine.starts()) == 1


def test_a_missing_engine_is_installed_with_what_else_is_missing(machine: Machine) -> None:
    machine.command("apt-get", f'{APT}case "$*" in *install*) mv "{machine.folder}/dockerd.deb" "{machine.folder}/bin/dockerd";; esac\n')
    (machine.folder / "bin/mv").symlink_to(shutil.which("mv") or "/bin/mv")
    (machine.folder / "bin/dockerd").rename(machine.folder / "dockerd.deb")
    (machine.folder / "bin/mmdebstrap").unlink()
    status, said = machine.engine()
    assert status == 0, said
    assert "install -y --no-install-recommends docker.io mmdebstrap" in (machine.run / "apt").read_text()


def test_tools_for_the_base_image_are_installed_beside_a_running_engine_and_are_not_required(machine: Machine) -> None:
    machine.engine()
    (machine.folder / "bin/mmdebstrap").unlink()
    machine.command("apt-get", APT + "exit 100\n")
    status, said = machine.engine()
    assert (status, "going on without: mmdebstrap" in said) == (0, True), said
    assert (machine.run / "apt").read_text().splitlines()[-1].endswith("install -y --no-install-recommends mmdebstrap")


def test_without_root_the_missing_tools_are_named_with_one_command_and_a_running_engine_is_used(machine: Machine) -> None:
    machine.engine()
    (machine.folder / "bin/mmdebstrap").unlink()
    machine.command("id", "#!/bin/sh\necho 1000\n")
    status, said = machine.engine()
    assert (status, "sudo apt-get install -y mmdebstrap\n" in said) == (0, True), said
    assert not (machine.run / "apt").exists()


def test_without_root_one_command_is_printed_and_nothing_is_done(machine: Machine) -> None:
    machine.command("id", '#!/bin/sh\n[ "$1" = -un ] && echo someone || echo 1000\n')
    status, said = machine.engine()
    assert status != 0
    assert f"sudo bash {ROOT}/scripts/engine.sh && sudo usermod -aG docker someone" in said
    assert not machine.starts()
    assert not (machine.run / "apt").exists()


@pytest.mark.parametrize(
    ("os_release", "more", "words"),
    [("ID=fedora\n", {}, "Install Docker Engine or Podman"), (DEBIAN, {"DOCKER_HOST": "unix:///nowhere.sock"}, "unset DOCKER_HOST")],
)
def test_other_systems_and_other_engines_are_told_what_to_do(machine: Machine, os_release: str, more: dict[str, str], words: str) -> None:
    machine.write("os-release", os_release)
    status, said = machine.engine(**more)
    assert (status != 0, words in said, machine.starts()) == (True, True, []), said


def test_a_daemon_that_ends_at_once_is_shown_with_its_last_words(machine: Machine) -> None:
    machine.command("dockerd", FAILING_DOCKERD)
    began = time.monotonic()
    status, said = machine.engine()
    assert status != 0
    assert "no kernel support" in said
    assert time.monotonic() - began < 8


def test_systemd_is_asked_where_it_runs_the_machine(machine: Machine) -> None:
    (machine.folder / "systemd").mkdir()
    machine.command(
        "systemctl", f'#!/bin/sh\necho "$*" >>"$SEATRIAL_RUN_DIR/systemctl"\nsetsid "{machine.folder}/bin/dockerd" >/dev/null 2>&1 &\n'
    )
    status, said = machine.engine()
    assert (status, (machine.run / "systemctl").read_text()) == (0, "start docker\n"), said


NEW_PYTHON = """#!/bin/sh
case "$*" in
*version_info*|*ensurepip*) exit 0;;
"-m venv "*) for last; do :; done; mkdir -p "$last/bin"; cp "$0" "$last/bin/python";;
esac
"""


@pytest.mark.parametrize(("offered", "status"), [("python3.11-venv", 0), ("nothing", 1)])
def test_an_old_python_is_helped_by_a_newer_one_of_the_distribution_or_the_releases_are_named(
    machine: Machine, offered: str, status: int
) -> None:
    for name in ("python3", "python3.11", "python3.12", "python3.13"):
        machine.command(name, "#!/bin/sh\nexit 1\n")
    machine.write("new-python", NEW_PYTHON).chmod(0o755)
    for name in ("cp", "mkdir"):
        (machine.folder / "bin" / name).unlink(missing_ok=True)
        (machine.folder / "bin" / name).symlink_to(shutil.which(name) or f"/bin/{name}")
    machine.command("apt-cache", f'#!/bin/sh\n[ "$2" = {offered} ]\n')
    machine.command("apt-get", f'{APT}case "$*" in *install*) cp "{machine.folder}/new-python" "{machine.folder}/bin/python3.11";; esac\n')
    argv = ["/bin/bash", str(ROOT / "scripts/venv.sh"), str(machine.folder / "venv")]
    done = subprocess.run(argv, env=machine.env(SEATRIAL_SYSTEM_PYTHON="/nowhere"), capture_output=True, text=True, check=False)
    assert done.returncode == status, done.stderr
    asked = (machine.run / "apt").read_text()
    if status:
        assert ("install" in asked, "Debian has one from release 12 on" in done.stderr) == (False, True)
    else:
        assert "install -y --no-install-recommends python3.11-venv" in asked


def test_an_old_python_without_root_names_the_one_command(machine: Machine) -> None:
    for name in ("python3", "python3.11", "python3.12", "python3.13"):
        machine.command(name, "#!/bin/sh\nexit 1\n")
    machine.command("apt-cache", '#!/bin/sh\n[ "$2" = python3.11-venv ]\n')
    machine.command("id", "#!/bin/sh\necho 1000\n")
    argv = ["/bin/bash", str(ROOT / "scripts/venv.sh"), str(machine.folder / "venv")]
    done = subprocess.run(argv, env=machine.env(SEATRIAL_SYSTEM_PYTHON="/nowhere"), capture_output=True, text=True, check=False)
    assert (done.returncode, "sudo apt-get install -y python3.11-venv" in done.stderr) == (1, True), done.stderr


def test_a_python_that_cannot_make_environments_names_the_one_command(machine: Machine) -> None:
    machine.command("python3", '#!/bin/sh\ncase "$2" in *ensurepip*) exit 1;; *print*) echo python3.11-venv;; esac\n')
    machine.command("id", "#!/bin/sh\necho 1000\n")
    argv = ["/bin/bash", str(ROOT / "scripts/venv.sh"), str(machine.folder / "venv")]
    done = subprocess.run(argv, env=machine.env(), capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "sudo apt-get install -y python3.11-venv" in done.stderr


APT_WITH_POSTGRES = """#!/bin/sh
echo "$*" >>"$SEATRIAL_RUN_DIR/apt"
case "$*" in
*install*) cat "$SEATRIAL_POSTGRES_DEFAULTS/seatrial.conf" >>"$SEATRIAL_RUN_DIR/asked"
    mkdir -p "$SEATRIAL_POSTGRES_LIB/15/bin" && echo >"$SEATRIAL_POSTGRES_LIB/15/bin/initdb" ;;
esac
"""


def test_postgres_is_installed_once_without_a_database_of_the_system(machine: Machine) -> None:
    machine.command("apt-get", APT_WITH_POSTGRES)
    machine.command("rmdir", '#!/bin/sh\nexec /bin/rmdir "$@"\n')
    assert machine.postgres() == (0, "postgres: installing postgresql\n")
    assert (machine.run / "asked").read_text() == "create_main_cluster = false\n"
    assert (machine.run / "apt").read_text().splitlines()[-1].endswith("install -y --no-install-recommends postgresql")
    assert not (machine.folder / "seatrial_postgres_defaults").exists()
    assert machine.postgres() == (0, "")
    assert len((machine.run / "apt").read_text().splitlines()) == 2


@pytest.mark.parametrize(
    ("os_release", "user", "apt", "words"),
    [
        (DEBIAN, "1000", APT, "sudo bash "),
        ("ID=fedora\n", "0", APT, "for this system"),
        (DEBIAN, "0", "#!/bin/sh\nexit 100\n", "could not be installed"),
        (DEBIAN, "0", APT, "no initdb"),
    ],
)
def test_without_postgres_setup_goes_on_and_says_which_tests_will_not_run(
    machine: Machine, os_release: str, user: str, apt: str, words: str
) -> None:
    machine.write("os-release", os_release)
    machine.command("id", f"#!/bin/sh\necho {user}\n")
    machine.command("apt-get", apt)
    status, said = machine.postgres()
    assert (status, "tests with Postgres will be skipped" in said, words in said) == (0, True, True)
    assert (machine.run / "apt").exists() == (apt is APT and words == "no initdb")


def test_every_setting_of_the_long_tiers_is_read_by_a_test() -> None:
    made = (ROOT / "Makefile").read_text()
    recipe, faults = (made.partition(f"\n{target}:")[2].partition("\n\n")[0] for target in ("long", "faults"))
    given = set(re.findall(r"(SEATRIAL_\w+)=", recipe + faults)) - {"SEATRIAL_FAULTS"}
    files = [*(ROOT / "tests").rglob("test_*.py"), ROOT / "tests/targets/folder/conftest.py", ROOT / "testing/commands.py"]
    read = {name for file in files for name in re.findall(r'environ.get\("(SEATRIAL_\w+)"', file.read_text())}
    assert given == read - {"SEATRIAL_FAULTS"}
    assert " -m " not in recipe, "the ordinary tests and the long ones"


def _until(condition: Callable[[], bool], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)
