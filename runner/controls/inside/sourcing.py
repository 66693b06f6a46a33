"""Tells what an expression asks for: a clock, chance, a place, a runner, its own text; used inside the child of `runner.parsing`."""

import ast

import sources
from counting import COUNT, NOTHING, Counting

CLOCK, TICK, START = frozenset({"clock"}), frozenset({"clock", "tick"}), frozenset({"clock", "start"})
CONVERTERS = {"time.localtime": 0, "time.gmtime": 0, "time.ctime": 0, "time.asctime": 0, "time.strftime": 1, "email.utils.formatdate": 0}
CONVERTERS.update(dict.fromkeys(("http.cookiejar.time2isoz", "http.cookiejar.time2netscape"), 0))
"""Calls that ask the clock only with as few arguments."""
NO_CHANCE = {"Random", "SystemRandom", "seed", "shuffle", "compare_digest", "uuid5"}
DISGUISES = ("hashlib.", "zlib.", "binascii.", "builtins.hash", "builtins.len", "builtins.repr", "builtins.ascii")
DIGESTS = (*DISGUISES, "builtins.sum", "hmac.")
FILES = frozenset({"own", "python", "beside"})
"""Paths: of this very file, of some Python file, and of the folder that this file is in."""
LISTS = {"listdir", "scandir", "walk", "iterdir", "glob", "rglob", "iglob"}
_TOLD = (
    ("runner", sources.FLAGS),
    ("environ", {"os.environ", "os.environb", "posix.environ"}),
    ("first", sources.FIRST),
    ("now", sources.STREAMS),
    ("own", {"builtins.__spec__", "builtins.__loader__"}),
    ("clock()", sources.CLOCK),
    ("place()", sources.PLACE),
    ("runner()", sources.ASKED),
    ("count()", sources.COUNTS),
)
"""Kinds of names that are not called: `first` for what the interpreter began with, `now` for what stands there, `own` for this file.

With brackets, the kind of what a function gives; it is known wherever the function was stored, or handed on.
"""


class Sourcing(Counting):
    """One file: what its names, attributes and calls are the source of."""

    def told_by(self, name):
        """What a dotted name that is not called tells by itself; None when it tells nothing."""
        if name.startswith("sys.flags.") and name not in sources.FLAGS:
            return NOTHING
        if sources.STREAM.fullmatch(name):
            return frozenset({"stream"})
        if is_chance(name) and "(" not in name:
            return frozenset({"chance()"})
        return next((frozenset({kind}) for kind, names in _TOLD if name in names), None)

    def asked(self, func, node, scope):  # noqa: PLR0911  one question after another
        """What a call asks for that is the source of a kind; None when it is none."""
        if func in sources.CLOCK and not (func in CONVERTERS and len(node.args) > CONVERTERS[func]):
            return CLOCK
        if func in sources.RECORDS:
            return frozenset({"record"})
        if is_chance(func):
            return frozenset({"chance"})
        if func in sources.PLACE:
            return frozenset({"place"})
        if func in sources.ASKED or sources.LOADED.fullmatch(func) or (func == "signal.getsignal" and self.is_alarm(node.args)):
            return frozenset({"runner"})
        if func == "builtins.type" and len(node.args) == 1 and self.names.dotted(node.args[0]) in sources.STREAMS:
            return frozenset({"stream"})
        return self.asked_of_others(func, node, scope)

    def asked_of_others(self, func, node, scope):
        """What a call asks of earlier calls, of the environment, or of files that last; None when it asks nothing."""
        if func in sources.COUNTS or getattr(node.func, "attr", "") == "cache_info":
            return COUNT
        if func in ("os.getenv", "os.getenvb"):
            return self.keyed(node.args[0]) if node.args else NOTHING
        if func in sources.HOMES or func.partition(".")[0] in sources.HOMES or getattr(node.func, "attr", "") == "expanduser":
            return frozenset({"home"})
        if func in ("builtins.len", "builtins.next") and node.args:
            kinds = self.kinds(node.args[0], scope)
            return digested(kinds - {"grown", "counter"} | (COUNT if kinds & {"grown", "counter"} else NOTHING))
        return None

    def is_alarm(self, args):
        """Whether a signal is one of those that limit the time that something takes."""
        for each in (inner for one in args[:1] for inner in ast.walk(one)):
            if self.names.dotted(each).rpartition(".")[2] in sources.ALARMS or self.names.text(each) in sources.ALARMS:
                return True
            if self.names.fold(each) in (14, 26, 27):
                return True
        return False

    def keyed(self, node):
        """The kind of a variable of the environment, by its name; all of its names where it has several."""
        values = self.names.all_of(node.id) if type(node) is ast.Name else ()
        return NOTHING.union(*(self.by_key(self.names.fold(each)) for each in (node, *values)))

    @staticmethod
    def by_key(key):
        key = key.decode("latin-1") if isinstance(key, bytes) else key
        if not isinstance(key, str):
            return NOTHING
        if sources.PYTEST_KEY.fullmatch(key):
            return frozenset({"runner"})
        if sources.CI_KEY.fullmatch(key):
            return frozenset({"place", "named"})
        return frozenset({"home"}) if key in sources.HOME_KEYS else NOTHING

    # functions that were stored or handed on

    def handed(self, node, scope):
        """What a call gives whose function is a clock's or a counter's, by another name or from a container."""
        func = node.func
        if type(func) is ast.Name:
            known = scope.known(func.id)
        elif type(func) is ast.Attribute:
            known = self.attributes.get(func.attr, NOTHING)
        else:
            known = self.kinds(func, scope)
        return given_by(known)

    # the text of the code itself

    def spelt(self, node):
        """The kinds of a text, by what it says, however it is put together."""
        text = self.names.text(node)
        home = frozenset({"home"}) if text and sources.HOME_TEXT.match(text) else NOTHING
        return home | {"python"} if text and sources.OWN_TEXT.fullmatch(text) else home

    def of_attribute(self, name, held):
        """The kinds of an attribute, by those of what it is an attribute of."""
        if "record" in held:
            held = held - {"record"} | (CLOCK if name in sources.RECORD_TIMES else NOTHING)
        if name in ("parent", "parents", "__path__"):
            return around(held)
        return held | {"own"} if name in ("__file__", "co_filename", "__cached__") else held

    def of_itself(self, node, scope):
        """Whether an expression starts at what this file defines, or at the file itself, not at what is handed in."""
        found = {each.id for each in ast.walk(node) if type(each) is ast.Name} - scope.local
        return any(name in self.names.defined for name in found) or bool(found & {"__name__", "__file__", "__spec__", "__loader__"})

    def of_file(self, func, method, args, found):
        """What a call makes of paths: of the folder around, of what is in it, and of what is in a file."""
        if func == "os.path.dirname":
            return around(found)
        if method in LISTS and "beside" in found:
            return found - {"beside"} | {"python"}
        if method in ("joinpath", "join", "with_name", "with_suffix"):
            return self.joined_to(args, found)
        if func in sources.READING or method in sources.READS:
            read = ({"written"} if "own" in found else set()) | ({"text"} if "python" in found else set())
            return (found - {"own", "python"}) | read
        return digested(found) if func.startswith(DIGESTS) else found

    def joined_to(self, args, found):
        """A path into the folder around is that of data, unless it is named as a Python file."""
        texts = [self.names.text(each) for each in args]
        data = any(text and not sources.OWN_TEXT.fullmatch(text) for text in texts)
        return found - {"own", "beside"} if data else found

    def updates(self, node, scope):
        """Whether a digest that has a name takes in the text of code, which is news."""
        owner = node.func.value
        if type(owner) is not ast.Name or not any(self.names.dotted(each).startswith(DIGESTS) for each in self.names.all_of(owner.id)):
            return False
        given = NOTHING.union(*(self.kinds(each, scope) for each in node.args))
        return bool(given & {"text", "written"}) and scope.add(owner.id, frozenset({"written"}))


def is_chance(name):
    return name.startswith(sources.CHANCE) and name.rpartition(".")[2] not in NO_CHANCE


def given_by(kinds):
    """The kinds of what functions of these kinds give."""
    return frozenset(each[:-2] for each in kinds if each.endswith("()"))


def around(kinds):
    return kinds - {"own"} | ({"beside"} if "own" in kinds else NOTHING)


def digested(kinds):
    """A number made of a Python file's text tells whether that was altered."""
    return kinds | {"written"} if "text" in kinds else kinds
