"""The section `tests` of the policy: which suite judges a change, and how often it runs."""

from pathlib import PurePosixPath
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from runner.model.units import Percent
from runner.model.value import Value
from runner.trial.quarantine import Quarantined

JUNIT_FILE = "/tmp/seatrial/report.xml"  # noqa: S108  a path inside the sandbox
"""Where a command leaves its JUnit report when the policy does not say otherwise."""


IN_PROCESS = "in-process"


def _absolute(path: str) -> str:
    if not path.startswith("/") or ".." in PurePosixPath(path).parts or not path.isprintable():
        raise ValueError(f"'{path}' is not an absolute path inside the sandbox; write it like {JUNIT_FILE}")
    return path


def _argument(text: str) -> str:
    if "\0" in text:
        raise ValueError("an argument cannot hold a NUL character")
    return text


Argument = Annotated[str, AfterValidator(_argument)]


class Tests(Value):
    """Which suite judges a change, and how often it runs."""

    __test__ = False

    runner: Literal["auto", "pytest", "command"] = "auto"
    """`auto` (worked out from the base's files), `pytest`, or `command` for any other suite."""
    args: tuple[Argument, ...] = ()
    """Arguments for pytest, such as folders of tests; not with `runner: command`."""
    command: tuple[Argument, ...] = ()
    """The command and its arguments, run without a shell in the working copy; only with `runner: command`, and needed there."""
    report: Literal["junit", "tap", "exit"] = "exit"
    """What the command tells of its tests: a JUnit file, a TAP stream, or no more than its exit status."""
    report_file: Annotated[str, AfterValidator(_absolute)] | None = None
    """Where the command writes its report inside the sandbox.

    Left out: `/tmp/seatrial/report.xml` for `report: junit`, and what the command prints for `report: tap`.
    """
    reruns: int = Field(default=2, ge=0, le=20)
    """How often a test that newly fails is run again to tell flaky from broken, alone and then in the whole suite; 0 for never.

    The first pass alone, and in the suite, ends it: a test that fails every time is broken.
    """
    flaky_error: Percent = Field(default=0.01, gt=0)
    """How likely a test that is known as flaky may be called broken by chance: it is run again more often than `reruns`, up to 20 times."""
    quarantine: tuple[Quarantined, ...] = ()
    """Tests whose failures warn until a day, each entry with an owner; 200 at most. A test that is gone or skipped is not excused."""
    base_runs: int = Field(default=2, ge=1, le=20)
    """How often the suite runs on the base, before anything is compared with it; the results are cached."""

    isolation: Literal["auto", "per-file", "in-process"] = "auto"
    """Whether each test file runs in a process of its own, which can touch neither another file's results nor the session's end.

    `auto`: where the base's suite gives the same results that way, in no more than twice the time and 6 s; `per-file`: else no
    verdict; `in-process`: never. Only with pytest.
    """

    @property
    def report_path(self) -> str | None:
        """The file inside the sandbox that holds the command's report; `None` when there is none."""
        if self.runner != "command" or self.report == "exit":
            return None
        return self.report_file or (JUNIT_FILE if self.report == "junit" else None)

    @model_validator(mode="after")
    def _belong_together(self) -> "Tests":
        if self.runner == "command":
            if not self.command:
                raise _problem("runner", "`runner: command` needs the command, e.g. command: [make, test]")
            if self.args:
                raise _problem("args", "args are for pytest; write them into command")
            if self.isolation == "per-file":
                raise _problem("isolation", "a command cannot be divided into its test files")
            if self.report_file and self.report == "exit":
                raise _problem("report_file", "`report: exit` reads no file; say `report: junit` or `report: tap`")
            return self
        for name in ("command", "report_file"):
            if getattr(self, name):
                raise _problem(name, f"{name} is only read with `runner: command`")
        if self.report != "exit":
            raise _problem("report", "report is only read with `runner: command`; pytest is asked directly")
        return self


def _problem(key: str, what: str) -> PydanticCustomError:
    """A fault of the section that one of its keys is to be blamed for."""
    return PydanticCustomError("section", "{what}", {"what": what, "key": key})
