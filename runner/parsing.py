"""Parses hostile files in a child process with limits, so that a parser that crashes or hangs takes nothing with it."""

import importlib.util
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from math import inf
from pathlib import Path
from typing import NamedTuple

SECONDS = 10
"""Processor time for one file, and wall time between two answers; ordinary files take milliseconds."""
MOST_MEMORY = 1024 * 2**20
MOST_MESSAGE = 300
MOST_CHILDREN = 4
"""Fresh children after crashes; with more crashes than that the rest is not parsed."""

PROGRAM = r"""
import resource, signal, sys
words = sys.stdin.buffer.readline().split()
memory, seconds, count = (int(word) for word in words)
resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
resource.setrlimit(resource.RLIMIT_NOFILE, (16, 16))
sys.dont_write_bytecode = True
sys.path.extend(sys.argv[1:])

def python(content, version):
    if version:
        compile(content, "<change>", "exec", 0x400, True, 0, _feature_version=version)
    else:
        compile(content, "<change>", "exec", 0, True, 0)

def toml(content, _):
    import tomllib
    tomllib.loads(content.decode("utf-8"))

def dated(value):
    return {"": [type(value).__name__, str(value)]}

def toml_data(content, _):
    import json, tomllib
    return json.dumps(tomllib.loads(content.decode("utf-8")), default=dated)

def ini_data(content, _):
    import configparser, json, re
    text = content.decode("utf-8").replace("\r\n", "\n")
    # programs differ in what ends a line for them: one would see a section where another sees a value
    if re.search("[\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]", text):
        raise ValueError("it has unusual line breaks")
    parser = configparser.RawConfigParser(default_section="\0")
    parser.optionxform = str
    parser.read_string(text)
    return json.dumps({section: dict(parser[section]) for section in parser.sections()})

def text_of_json(content, _):
    import json
    json.loads(content)

def yaml(content, _):
    import yaml
    for _ in yaml.parse(content, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
        pass

class Entities(Exception):
    pass

def xml(content, _):
    from xml.parsers import expat
    parser = expat.ParserCreate()
    def refuse(*_):
        raise Entities("declares entities, which are not expanded here")
    parser.EntityDeclHandler = refuse
    try:
        parser.Parse(content, True)
    except expat.ExpatError as problem:
        raise ValueError(str(problem)) from None

KINDS = {"python": python, "toml": toml, "json": text_of_json, "yaml": yaml, "xml": xml, "toml-data": toml_data, "ini-data": ini_data}

def reader(kind):
    import importlib
    module, _, function = kind.partition(":")
    return KINDS[kind] if not function else getattr(importlib.import_module(module), function)

def place(problem):
    if isinstance(getattr(problem, "lineno", None), int):
        return problem.lineno
    mark = getattr(problem, "problem_mark", None)
    if mark is not None:
        return mark.line + 1
    words = str(problem).replace(",", " ").replace(")", " ").split()
    return int(words[words.index("line") + 1]) if "line" in words[:-1] and words[words.index("line") + 1].isdigit() else None

def said(problem):
    return str(getattr(problem, "problem", None) or getattr(problem, "msg", None) or problem)

def tell(state, line, message, text, data=""):
    texts = (message[:600], text[:600], data)
    told = [state, str(line or 0), *(text.encode("utf-8", "replace").hex() or "-" for text in texts)]
    sys.stdout.write(" ".join(told) + "\n")
    sys.stdout.flush()

for kind, size, version in [sys.stdin.buffer.readline().decode().split() for _ in range(count)]:
    content = sys.stdin.buffer.read(int(size))
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        data = reader(kind)(content, int(version))
    except Entities as problem:
        tell("unjudged", 0, str(problem), "")
    except (RecursionError, MemoryError):
        tell("unjudged", 0, "nested too deep or too large to parse", "")
    except ImportError:
        tell("unjudged", 0, "no parser for this language here", "")
    except Exception as problem:
        tell("broken", place(problem), said(problem), str(getattr(problem, "text", None) or ""))
    else:
        tell("fine", 0, "", "", data or "")
"""


class Source(NamedTuple):
    """One file to parse: `python`, `toml`, `json`, `yaml`, `xml`, or `toml-data` and `ini-data` for what the file says.

    `module:function` names a reader of the caller's own, in the folder that `parse` is given: it takes the content and the
    version and gives the text that becomes `Parse.data`; it imports the standard library alone, and runs nothing it reads.
    `version` is the minor version of Python 3 whose grammar is asked for, 0 for that of this interpreter.
    """

    kind: str
    content: bytes
    version: int = 0


class Parse(NamedTuple):
    """How it went: `fine`, `broken` (with line and message), or `unjudged` when no answer could be had."""

    state: str
    message: str = ""
    line: int | None = None
    text: str = ""
    """The line at fault, where the parser tells it; hostile."""
    data: str = ""
    """What was parsed, as JSON, for the kinds that ask for it."""


def parse(sources: Sequence[Source], folder: Path | None = None, *, seconds: float = inf) -> list[Parse]:
    """One answer per source, in order. Never raises for what a source holds; starts one child, more only after a crash.

    `folder` holds the modules of readers that the sources name. After `seconds` for all of them the rest is not parsed.
    """
    answers: list[Parse] = []
    children = 0
    deadline = time.monotonic() + seconds
    while len(answers) < len(sources):
        if (left := deadline - time.monotonic()) <= 0:
            answers.append(Parse("unjudged", "the files before this one took too long"))
            continue
        if children == MOST_CHILDREN:
            answers.append(Parse("unjudged", "the parser ended too often on the files before this one"))
            continue
        children += 1
        answers += _child(sources[len(answers) :], folder, left)
        if len(answers) < len(sources):
            answers.append(Parse("unjudged", "the parser ended, or took too long, on this file"))
    return answers


def _child(sources: Sequence[Source], folder: Path | None, seconds: float) -> list[Parse]:
    """The answers that one child gave; fewer than `sources` when it ended before its time."""
    lines = [f"{MOST_MEMORY} {SECONDS} {len(sources)}", *(f"{s.kind} {len(s.content)} {s.version}" for s in sources)]
    told = "\n".join((*lines, "")).encode() + b"".join(source.content for source in sources)
    command = [sys.executable, "-I", "-S", "-X", "utf8", "-W", "ignore", "-c", PROGRAM]
    if folder is not None:
        command.append(str(folder))
    if any(source.kind == "yaml" for source in sources):
        command += _yaml_place()
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={},
        cwd="/",
        start_new_session=True,
    ) as child:
        try:
            out, _ = child.communicate(told, timeout=min(SECONDS + len(sources), seconds))
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            out, _ = child.communicate()
        except BaseException:
            os.killpg(child.pid, signal.SIGKILL)
            raise
    return [_read(line) for line in out.split(b"\n")[:-1]][: len(sources)]


def _read(line: bytes) -> Parse:
    state, number, *texts = line.decode("ascii").split()
    message, text, data = ("" if word == "-" else bytes.fromhex(word).decode() for word in texts)
    return Parse(state, _clean(message), int(number) or None, text, data)


def _clean(text: str) -> str:
    line = " ".join(text.split())[:MOST_MESSAGE]
    return "".join(letter if letter.isprintable() else "?" for letter in line)


def _yaml_place() -> list[str]:
    """The folder to import PyYAML from inside the child; it is not imported here."""
    spec = importlib.util.find_spec("yaml")
    return [str(Path(spec.origin).parent.parent)] if spec is not None and spec.origin else []
