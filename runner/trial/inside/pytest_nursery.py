"""Forks one pytest session for each part of a suite, each as the suite's user; loads pytest before, and nothing of the repository.

A program for the image's own Python (3.8 or newer, standard library only), started without `site` and given to `python3 -c` as text,
with pieces of one JSON text as arguments. The launcher asks for parts by their numbers over the socket CONTROL, each with the pipe
that its report goes to and the gate at which it waits until the launcher has looked at it.

What the image's `site` would run at once (lines of `.pth` files, `sitecustomize`) is run by each fork, when it is the suite's user:
an editable install brings the repository in by such lines.
"""

import sys

sys.path[:] = [entry for entry in sys.path if entry]  # `python -c` puts the current folder first

import array  # noqa: E402
import contextlib  # noqa: E402
import importlib  # noqa: E402
import json  # noqa: E402
import os  # noqa: E402
import site  # noqa: E402
import socket  # noqa: E402
import types  # noqa: E402

CONTROL = 197
DUMPABLE = 4


class Image:
    """While it is first among the finders, modules come from the image alone, whatever links its packages hold."""

    def __init__(self, work):
        self._work = os.path.realpath(work)

    def find_spec(self, name, path=None, target=None):
        for finder in sys.meta_path:
            spec = None if finder is self else finder.find_spec(name, path, target)
            if spec is not None:
                places = [spec.origin, *(spec.submodule_search_locations or ())]
                if any(self._within(place) for place in places if place):
                    raise ImportError("%s is the repository's" % name)
                return spec
        return None

    def _within(self, place):
        place = os.path.realpath(place)
        return place == self._work or place.startswith(self._work + os.sep)


class Later:
    """What `site` is kept from doing until it may."""

    def __init__(self):
        self._paths, self._files = site.addpackage, []
        self._hooks = {name: getattr(site, name) for name in ("execsitecustomize", "execusercustomize")}

    def prepare(self):
        """The import path without what `.pth` files add to it."""
        site.addpackage = lambda folder, name, known: self._files.append((folder, name)) or known
        for name in self._hooks:
            setattr(site, name, lambda: None)
        site.main()

    def do(self):
        """The rest."""
        site.addpackage = self._paths
        for name, hook in self._hooks.items():
            setattr(site, name, hook)
        for folder, name in dict.fromkeys(self._files):  # `site` visits the packages of a virtual environment twice
            site.addpackage(folder, name, None)
        site.execsitecustomize()


def session_module(source):
    """The session's program as a module that was not started."""
    module = types.ModuleType("seatrial_session")
    exec(compile(source, "seatrial_session.py", "exec"), module.__dict__)
    return module


def preload(work):
    """Whatever every session imports first, as far as it can be had from the image, and without `.pth` files."""
    sys.meta_path.insert(0, Image(work))
    with contextlib.suppress(ImportError):
        config = importlib.import_module("_pytest.config")
        importlib.import_module("pytest")
        for name in config.default_plugins:
            importlib.import_module("_pytest.%s" % name)
    del sys.meta_path[0]


def become(user, group):
    """Lose everything that the launcher may do, for good; and stay open to one's own eyes as any process is."""
    os.setsid()
    with open("/proc/self/oom_score_adj", "w") as score:
        score.write("1000")
    os.setgroups([])
    os.setresgid(group, group, group)
    os.setresuid(user, user, user)
    with contextlib.suppress(ImportError, OSError, AttributeError):
        importlib.import_module("ctypes").CDLL(None).prctl(DUMPABLE, 1, 0, 0, 0)


def asked(control):
    """(number of the part, its report, its gate); none when the launcher is gone."""
    message, extra, _, _ = control.recvmsg(64, socket.CMSG_SPACE(8))
    if not message:
        return None
    ends = array.array("i")
    for _, _, data in extra:
        ends.frombytes(data[: len(data) - len(data) % ends.itemsize])
    return (int(message), *ends)


def serve(control, begin):
    """Fork whatever is asked for until the launcher is gone; a fork returns from here with what `begin` is to be given."""
    control.send(b'{"ready": true}')
    while True:
        found = asked(control)
        if found is None:
            return None
        number, report, gate = found
        child = os.fork()
        if not child:
            control.close()
            return begin(number, report, gate)
        os.close(report)
        os.close(gate)
        control.send(json.dumps({"pid": child}).encode())
        _, status = os.waitpid(child, 0)
        with contextlib.suppress(ChildProcessError):  # a part can make children that are ours
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        control.send(json.dumps({"status": status}).encode())


def main():
    given = json.loads("".join(sys.argv[1:]))
    control = socket.socket(fileno=CONTROL)
    control.set_inheritable(False)
    user, group = map(int, os.environ.pop("SEATRIAL_USER").split(":"))
    os.environ.pop("SEATRIAL_REPORT_FD", None)
    later = Later()
    later.prepare()
    session = session_module(given["session"])
    preload(given["settings"].get("work", "/work"))

    def begin(number, report, gate):
        become(user, group)
        os.write(gate, b"r")
        if os.read(gate, 1) != b"g":
            os._exit(97)
        os.close(gate)
        later.do()
        session.go(dict(given["settings"], **given["parts"][number]), report)

    serve(control, begin)


if __name__ == "__main__":
    main()
