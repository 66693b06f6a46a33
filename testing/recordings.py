"""Small suites that real pytest runs in a process of its own with the recording plugin, and what it recorded."""

import ast
import json
import os
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

from runner.controls.recorded import RecordedReader, Recording, program

PYTHON = sys.executable
MONITORS = sys.version_info >= (3, 12)
SHIM = """
    import json, os
    with open(os.environ["RECORDING_PROGRAM"]) as file:
        namespace = {"__name__": "recording"}
        exec(compile(file.read(), "<recording>", "exec"), namespace)
    out = os.open(os.environ["RECORDING_OUT"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    write, dumps = os.write, json.dumps
    def report(kind, **fields):
        write(out, dumps(dict(fields, k=kind)).encode() + b"\\n")
    def pytest_configure(config):
        if config.pluginmanager.get_plugin("recording") is None and os.environ.get("RECORDING_PROGRAM"):
            settings = json.loads(os.environ.pop("RECORDING_SETTINGS"))
            config.pluginmanager.register(namespace["plugin"](report, settings), "recording")
"""
LIBRARY = """
    def double(x, by=2):
        return x * by

    def through(x):
        return double(x)

    def numbers(n):
        for i in range(n):
            yield i

    async def later(x):
        return double(x)

    class Box:
        def __init__(self, size, *, name="box"):
            self.size = size

        def grow(self, by=1):
            self.size += by
            return self.size

        @property
        def empty(self):
            return not self.size

        @staticmethod
        def unit():
            return "cm"

        @classmethod
        def of(cls, size):
            return cls(size)

    class Plain:
        def hello(self, name):
            return name

    def made():
        return Box(3)
"""


class Suite:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.records: list[dict] = []
        self.output = ""
        self.write("lib.py", LIBRARY)

    def write(self, name: str, text: str) -> None:
        path = self.folder / "work" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text))

    def run(self, text: str = "", *args: str, status: int = 0, **settings: object) -> Recording:
        if text:
            self.write("test_it.py", text)
        work = self.folder / "work"
        (self.folder / "shim_recording.py").write_text(dedent(SHIM))
        (self.folder / "program.txt").write_text(program())
        out = self.folder / "out.jsonl"
        out.unlink(missing_ok=True)
        tests = [str(path.relative_to(work)) for path in work.rglob("*.py") if path.name.startswith(("test_", "conftest"))]
        env = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "COV"))},
            "PYTHONPATH": os.pathsep.join([str(self.folder), str(work)]),
            "RECORDING_PROGRAM": str(self.folder / "program.txt"),
            "RECORDING_OUT": str(out),
            "RECORDING_SETTINGS": json.dumps({"work": str(work), "roots": [], "tests": tests, **settings}),
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",  # those of whoever tests Seatrial take a second to load
        }
        argv = [PYTHON, "-m", "pytest", "-q", "-p", "shim_recording", "-p", "no:cacheprovider", *args]
        done = subprocess.run(argv, cwd=work, env=env, capture_output=True, text=True, check=False, timeout=120)
        self.output = done.stdout + done.stderr
        assert done.returncode == status, self.output
        self.records = [json.loads(line) for line in out.read_text().splitlines()]
        reader = RecordedReader()
        assert all(reader.record(record) for record in self.records)
        return reader.finish()


def covers(recording: Recording) -> dict[str, set[str]]:
    return {test.partition("::")[2]: {function.name for function in recording.functions_of(test)} for test in recording.covers}


def calls(recording: Recording, name: str, path: str = "lib.py") -> list[tuple]:
    found = recording.calls_by_function.get((path, name), ())
    return [(call.way, ast.literal_eval(call.arguments), call.owner, call.made and ast.literal_eval(call.made)) for call in found]


def lost(recording: Recording, name: str) -> tuple[int, int]:
    return next((found.not_literal, found.unprobed) for found in recording.functions if found.name == name)
