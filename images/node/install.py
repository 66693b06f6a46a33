"""The node recipe: runs as root inside a build container and leaves the packages of the lock file in /node_modules.

That is where Node.js looks for packages last, from any file of the working copy; the copy itself holds the repository alone.
Standard library only, and old Python too. The folder that this file lies in is removed at the end.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

BUILD = Path(__file__).resolve().parent
WORK = Path("/work")
MODULES = Path("/node_modules")
NPM = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier", "--include=dev", "--cache", str(BUILD / "cache")]


def say(text):
    print(text, flush=True)


def needs(program):
    """End with a sentence when the image lacks a program."""
    if shutil.which(program) is None:
        say("seatrial: the base image has no %s" % program)
        sys.exit(1)


def install(tree):
    """What the lock file names, by its digests; no package's scripts run."""
    status = subprocess.call(NPM, cwd=str(tree), stdin=subprocess.DEVNULL, stderr=subprocess.STDOUT)
    if status:
        sys.exit(status)


def keep(tree):
    """Move the packages to where Node.js finds them; links to workspaces lead to the working copy."""
    made = tree / "node_modules"
    if not made.is_dir():
        return
    shutil.move(str(made), str(MODULES))
    for folder, folders, names in os.walk(str(MODULES)):
        for name in folders + names:
            path = Path(folder, name)
            if path.is_symlink():
                relink(path, made, tree)


def relink(path, made, tree):
    target = os.path.normpath(os.path.join(str(made / path.parent.relative_to(MODULES)), os.readlink(str(path))))
    if target.startswith(str(tree) + os.sep) and not target.startswith(str(made) + os.sep):
        path.unlink()
        path.symlink_to(str(WORK) + target[len(str(tree)) :])


def main():
    os.umask(0o022)
    for folder in (WORK, Path("/home/sandbox")):
        folder.mkdir(parents=True, exist_ok=True)
    needs("node")
    if json.loads((BUILD / "settings.json").read_text())["install"]:
        needs("npm")
        install(BUILD / "tree")
        keep(BUILD / "tree")
        if MODULES.is_dir():
            subprocess.check_call(["chmod", "-R", "a+rX,go-w", str(MODULES)])
    say("node %s" % subprocess.check_output(["node", "--version"], text=True).strip())
    shutil.rmtree(str(BUILD))


if __name__ == "__main__":
    main()
