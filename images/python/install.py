"""The python recipe: runs as root inside a build container and leaves an environment for the tests in /opt/venv.

Standard library only, and old Python too: it runs on whatever `python3` the base image has. Everything it is told is in
`settings.json` beside it; the folder it lies in is removed at the end, so nothing of it reaches the image.
"""

import json
import os
import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path

BUILD = Path(__file__).resolve().parent
WORK = Path("/work")
VENV = Path("/opt/venv")
GENERATED = Path("/opt/seatrial/generated")
PYTHON = str(VENV / "bin" / "python")
PIP = [PYTHON, "-I", "-u", "-m", "pip", "install", "--no-input", "--progress-bar", "off"]
NO_EDITABLE_HOOK = "missing the 'build_editable' hook"
LEFT_BEHIND = {"__pycache__", ".eggs", ".mypy_cache"}


def say(text):
    print(text, flush=True)


def run(argv, env=None):
    """Run a command with its output passed on as it comes; give back its exit status and what it printed.

    It starts in the source tree, which is what `-e .` in a requirements file is relative to; `-I` in front of pip keeps modules
    of that tree from standing in for the standard library's.
    """
    printed = []
    with subprocess.Popen(
        argv,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        env=env,
        cwd=str(WORK),
        text=True,
        errors="replace",
    ) as process:
        for line in process.stdout:
            say(line.rstrip("\n"))
            printed.append(line)
    return process.returncode, "".join(printed)


def must(argv, env=None):
    """Run a command that has to succeed; its exit status becomes ours otherwise."""
    status, _ = run(argv, env)
    if status:
        sys.exit(status)


def check_python(settings):
    """A base image that someone named may have another Python than the policy asks for."""
    if settings["python"] not in (None, "%d.%d" % sys.version_info[:2]):
        say("seatrial: the policy asks for Python %s, and the base image has %d.%d" % (settings["python"], *sys.version_info[:2]))
        sys.exit(1)


def make_venv():
    """The environment, with the newest pip where it can be had; pip 21.3 is the first that knows editable wheels."""
    say("creating /opt/venv")
    must([sys.executable, "-I", "-m", "venv", str(VENV)])
    status, _ = run([*PIP, "--upgrade", "--quiet", "pip"])
    if status:
        say("pip could not be brought up to date; going on with the one that came with Python")


def files_of(root):
    """Every file and link under `root`, relative to it."""
    found = set()
    for folder, _, names in os.walk(str(root)):
        found.update(os.path.relpath(os.path.join(folder, name), str(root)) for name in names)
    return found


def versioned(settings):
    """Our environment with the version of a project that would ask git for it."""
    return dict(os.environ, **settings["version_env"])


def install_listed(settings):
    """The requirement files and packages that were asked for, and the groups, which may name a project that is not installed."""
    wanted = [part for file in settings["requirement_files"] for part in ("--requirement", file)] + settings["packages"]
    if not settings["project"]:
        wanted += grouped(settings)
    if wanted:
        must([*PIP, *wanted], versioned(settings))  # a requirements file may name the project itself


def grouped(settings):
    """The options for the dependency groups (PEP 735) that were asked for; pip works out what they include."""
    return [part for group in settings["groups"] for part in ("--group", "%s:%s" % (WORK / "pyproject.toml", group))]


def install_project(settings):
    """The project itself, editable at the very path that the working copy will have.

    Dependency groups come along in the same command: one that names the project means the tree, not a release of it.
    """
    extras = "[" + ",".join(settings["extras"]) + "]" if settings["extras"] else ""
    target = str(WORK) + extras
    env = versioned(settings)
    status, printed = run([*PIP, "--editable", target, *grouped(settings)], env)
    if status and NO_EDITABLE_HOOK in printed:
        say("the project pins a build backend without editable installs; trying a current setuptools instead")
        must([*PIP, "setuptools", "wheel"])
        status, _ = run([*PIP, "--no-build-isolation", "--editable", target, *grouped(settings)], env)
    if status:
        sys.exit(status)


def install_pytest(settings):
    """pytest, unless something already brought it; in a version that leaves everything else as it is."""
    if subprocess.call([PYTHON, "-I", "-c", "import pytest"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) == 0:
        return
    installed = subprocess.check_output([PYTHON, "-I", "-m", "pip", "freeze", "--exclude-editable"], text=True)
    pins = BUILD / "pins.txt"
    pins.write_text("".join(line + "\n" for line in installed.splitlines() if re.match(r"[\w.-]+==", line)))
    must([*PIP, "--constraint", str(pins), settings["pytest"]])


def metadata_elsewhere(egg_info):
    """Whether site-packages has its own metadata of the project, so that this old-style folder is not needed."""
    name = re.split(r"-\d", egg_info[: -len(".egg-info")])[0]
    known = VENV.glob("lib/python*/site-packages/*.dist-info")
    return any(normal(path.name[: -len(".dist-info")].rsplit("-", 1)[0]) == normal(name) for path in known)


def normal(name):
    """A distribution's name as metadata folders write it, whatever its spelling."""
    return re.sub(r"[-_.]+", "_", name).lower()


def worth_keeping(path):
    """Whether a file that the install made in the source tree is needed when the tree is mounted again."""
    folders = path.split(os.sep)[:-1]
    if LEFT_BEHIND & set(folders) or folders[:1] == ["build"] or path.endswith((".pyc", ".pyo")):
        return False
    eggs = [folder for folder in folders if folder.endswith(".egg-info")]
    return not eggs or not metadata_elsewhere(eggs[0])


def keep_generated(tracked):
    """Move what the install made beside the sources out of the way, under the same relative paths."""
    kept = 0
    for path in sorted(files_of(WORK) - tracked):
        source = WORK / path
        if source.is_symlink() or not source.is_file() or not worth_keeping(path):
            continue
        (GENERATED / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.move(str(source), str(GENERATED / path))
        kept += 1
    if kept:
        say("kept %d files that the build made beside the sources" % kept)


def empty(folder):
    """Remove everything inside a folder; the folder stays as a mount point."""
    for entry in folder.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(str(entry))
        else:
            entry.unlink()


def make_readable(root):
    """The tests run as another user: all may read, nobody else may write."""
    for folder, folders, names in os.walk(str(root)):
        for name in folders + names:
            path = os.path.join(folder, name)
            mode = os.lstat(path).st_mode
            if stat.S_ISLNK(mode):
                continue
            wanted = (mode | 0o444 | (0o111 if stat.S_ISDIR(mode) or mode & 0o100 else 0)) & ~0o022
            if wanted != mode:
                os.chmod(path, stat.S_IMODE(wanted))


def main():
    os.umask(0o022)
    settings = json.loads((BUILD / "settings.json").read_text())
    GENERATED.mkdir(parents=True, exist_ok=True)
    for folder in (WORK, Path("/home/sandbox")):
        folder.mkdir(parents=True, exist_ok=True)
    tracked = files_of(WORK)
    check_python(settings)
    make_venv()
    install_listed(settings)
    if settings["project"]:
        install_project(settings)
    install_pytest(settings)
    keep_generated(tracked)
    run([PYTHON, "-I", "-m", "compileall", "-q", "-j", "0", str(VENV / "lib")])
    make_readable(Path("/opt"))
    empty(WORK)
    Path("/tmp").chmod(0o1777)
    empty(Path("/tmp"))
    shutil.rmtree(str(BUILD))


if __name__ == "__main__":
    main()
