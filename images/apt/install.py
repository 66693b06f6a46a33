"""Debian packages: runs as root inside a build container and installs what `settings.json` beside it names.

Standard library only, and old Python too. All that apt needs to know of this machine lies beside this file, in a folder that
is removed at the end: lists, caches, mirrors and proxies never reach the image.
"""

import difflib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

BUILD = Path(__file__).resolve().parent
NO_SERVICES = Path("/usr/sbin/policy-rc.d")
LEFT_OUT = ("man", "locale", "doc", "info", "lintian")
CLOSE = 0.75
LONGER = 3


def say(text):
    print(text, flush=True)


def os_release():
    lines = Path("/etc/os-release").read_text().splitlines() if Path("/etc/os-release").exists() else []
    return {name: value.strip("\"'") for name, _, value in (line.partition("=") for line in lines)}


def sources():
    """The host's mirrors for this image's own suite; none when the host has another distribution, and the image's own serve."""
    told = (BUILD / "mirrors").read_text().splitlines()
    facts = os_release()
    distribution = told[0]
    own = facts.get("VERSION_CODENAME", "")
    if facts.get("ID") != distribution or not own:
        return []
    return ["deb " + line.replace(" @", " " + own, 1) for line in told[1:]]


def has_sources():
    etc = Path("/etc/apt")
    files = [etc / "sources.list", *(etc / "sources.list.d").glob("*.list"), *(etc / "sources.list.d").glob("*.sources")]
    return any(file.is_file() and file.read_text().strip() for file in files)


def configure(lines):
    """One file of settings for every apt command from here on."""
    settings = [(BUILD / "apt.conf").read_text()]
    if (BUILD / "ca.pem").exists():
        settings.append('Acquire::https::CaInfo "%s";' % (BUILD / "ca.pem"))
    if lines:
        (BUILD / "sources.list").write_text("\n".join(lines) + "\n")
        settings += ['Dir::Etc::sourcelist "%s";' % (BUILD / "sources.list"), 'Dir::Etc::sourceparts "-";']
    for folder in ("lists/partial", "cache/archives/partial"):
        (BUILD / folder).mkdir(parents=True)
    settings += ['Dir::State::lists "%s";' % (BUILD / "lists"), 'Dir::Cache "%s";' % (BUILD / "cache")]
    settings += ['Acquire::Languages "none";', 'APT::Install-Recommends "false";', 'APT::Sandbox::User "root";']
    settings += ['Dpkg::Options:: "--path-exclude=/usr/share/%s/*";' % name for name in LEFT_OUT]
    settings += ['Dpkg::Options:: "--path-include=/usr/share/doc/*/copyright";', 'Dpkg::Options:: "--force-unsafe-io";']
    (BUILD / "all.conf").write_text("\n".join(settings) + "\n")
    os.environ.update(APT_CONFIG=str(BUILD / "all.conf"), DEBIAN_FRONTEND="noninteractive", LC_ALL="C.UTF-8")


def must(argv):
    """Run a command that has to succeed, its output passed on; its exit status becomes ours otherwise."""
    status = subprocess.call(argv, stdin=subprocess.DEVNULL, stderr=subprocess.STDOUT)
    if status:
        sys.exit(status)


def known():
    return set(subprocess.check_output(["apt-cache", "pkgnames"], text=True).split())


def installable(name):
    """Whether there is a version of that package to install, and not only packages that mention it."""
    told = subprocess.run(["apt-cache", "policy", name], check=False, stdout=subprocess.PIPE, text=True).stdout
    return any(line.strip().startswith("Candidate:") and "(none)" not in line for line in told.splitlines())


def virtual(name):
    """Whether other packages provide that name; apt-get says which when it is asked to install it."""
    told = subprocess.run(["apt-cache", "showpkg", name], check=False, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
    return bool(told.partition("Reverse Provides:")[2].strip())


def nearest(name, names):
    """Up to three packages that may be meant: those that only add to the name first."""
    stem = name[: -len("-devel")] + "-dev" if name.endswith("-devel") else name
    added = [other for other in (stem, stem + "-dev", "lib" + stem, "lib" + stem + "-dev", "python3-" + stem) if other in names]
    alike = difflib.get_close_matches(
        name, [other for other in names if abs(len(other) - len(name)) <= LONGER and other[:2] == name[:2]], 3, CLOSE
    )
    return list(dict.fromkeys(added + alike))[:3]


def check(packages):
    """Every name is one that can be installed; all that are not are told at once."""
    missing = [name for name in packages if not installable(name) and not virtual(name)]
    if not missing:
        return
    names = known()
    for name in missing:
        close = nearest(name, names)
        say(
            "seatrial: there is no package %s in %s; %s"
            % (
                name,
                os_release().get("PRETTY_NAME", "this image"),
                "the nearest: " + ", ".join(close) if close else "none has a name like it",
            )
        )
    sys.exit(1)


def main():
    os.umask(0o022)
    packages = json.loads((BUILD / "settings.json").read_text())["packages"]
    if shutil.which("apt-get") is None:
        say("seatrial: the base image has no apt-get, so it cannot have Debian packages")
        sys.exit(1)
    lines = sources()
    if not lines and not has_sources():
        say(
            "seatrial: neither the base image nor this machine's apt names a source of packages; name an image that does in sandbox.build.base"
        )
        sys.exit(1)
    configure(lines)
    must(["apt-get", "-qq", "-oAPT::Update::Error-Mode=any", "update"])
    check(packages)
    made = not NO_SERVICES.exists()
    if made:
        NO_SERVICES.write_text("#!/bin/sh\nexit 101\n")
        NO_SERVICES.chmod(0o755)
    must(["apt-get", "-q", "-y", "-oDpkg::Use-Pty=0", "install", "--", *packages])
    if made:
        NO_SERVICES.unlink()
    for place in ("/var/log", "/var/cache", "/tmp"):
        for entry in Path(place).iterdir():
            shutil.rmtree(str(entry)) if entry.is_dir() and not entry.is_symlink() else entry.unlink()
    shutil.rmtree(str(BUILD))


if __name__ == "__main__":
    main()
