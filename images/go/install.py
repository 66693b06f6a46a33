"""The go recipe: runs as root inside a build container and leaves Go's modules, and a `go` that needs no network.

Standard library only, and old Python too. The folder that this file lies in is removed at the end.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

BUILD = Path(__file__).resolve().parent
HOME = Path("/opt/seatrial/go")
WRAPPER = """#!/bin/sh
# Go as the sandbox needs it: the modules of the image, no network, C only where the image has a compiler.
export GOMODCACHE="${GOMODCACHE:-%(home)s/mod}" GOPROXY="${GOPROXY:-off}" GOTOOLCHAIN="${GOTOOLCHAIN:-local}"
command -v cc >/dev/null 2>&1 || export CGO_ENABLED="${CGO_ENABLED:-0}"
exec %(go)s "$@"
"""


def say(text):
    print(text, flush=True)


def download(go):
    """The modules of go.mod, checked against go.sum."""
    env = dict(os.environ, GOMODCACHE=str(HOME / "mod"), GOTOOLCHAIN="local", GOFLAGS="-modcacherw")
    status = subprocess.call([go, "mod", "download"], cwd=str(BUILD / "tree"), env=env, stdin=subprocess.DEVNULL, stderr=subprocess.STDOUT)
    if status:
        sys.exit(status)
    shutil.rmtree(str(HOME / "mod" / "cache" / "vcs"), ignore_errors=True)


def main():
    os.umask(0o022)
    go = shutil.which("go")
    if go is None:
        say("seatrial: the base image has no go")
        sys.exit(1)
    for folder in (Path("/work"), Path("/home/sandbox"), HOME / "bin", HOME / "mod"):
        folder.mkdir(parents=True, exist_ok=True)
    if json.loads((BUILD / "settings.json").read_text())["download"]:
        download(go)
    wrapper = HOME / "bin" / "go"
    wrapper.write_text(WRAPPER % {"home": HOME, "go": go})
    wrapper.chmod(0o755)
    subprocess.check_call(["chmod", "-R", "a+rX,go-w", str(HOME)])
    say(subprocess.check_output([go, "version"], text=True).strip())
    shutil.rmtree(str(BUILD))


if __name__ == "__main__":
    main()
