"""A stand-in for the wiring, and a place of its own for every test."""

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]


class Answer(SimpleNamespace):
    """What a command wrote, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What stdout says; it must be one JSON document and nothing else."""
        return json.loads(self.out)


def a_run(ending: str, **given: Any) -> Any:
    """A run that ended so."""
    from runner.model.change import Change
    from runner.model.result import Decision, Ending, Outcome, Result, Verdict
    from runner.model.run import PolicyFacts, Run

    verdicts = {"accepted": Verdict.ACCEPT, "rejected": Verdict.REJECT, "held": Verdict.HOLD}
    decision = Decision(verdict=verdicts.get(ending), ending=None if ending == "held" else Ending(ending), reason="because \x1b[31m\u202e")
    change = Change(
        base_commit="c" * 40, base_tree="b" * 40, tree="7" * 40, patch_id="e" * 40, source="x.diff", kind="diff", base_label="main"
    )
    policy = PolicyFacts(source="builtin:default", digest="d" * 64)
    result = Result(check="tests", outcome=Outcome.FAIL, reason="[red]no[/red]")
    usual = {"id": "abc123abc123", "started": datetime(2026, 11, 22, tzinfo=UTC), "repository": "/r", "policy": policy, "change": change}
    return Run(**{**usual, "results": (result,), "decision": decision, **given})


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """State and cache below the test's own folder."""
    for name, folder in (("HOME", "home"), ("XDG_STATE_HOME", "state"), ("XDG_CACHE_HOME", "cache"), ("XDG_CONFIG_HOME", "config")):
        monkeypatch.setenv(name, str(tmp_path / "places" / folder))
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path / "places"


@pytest.fixture
def run_of() -> Callable[..., Any]:
    return a_run


@pytest.fixture
def judged(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[Any]]:
    """Make every check answer with this run, or raise this; the requests it got."""

    def judge(answer: Any, demo: Any = None) -> list[Any]:
        from dataclasses import make_dataclass

        requests: list[Any] = []

        def check(request: Any, progress: Any) -> Any:
            requests.append(request)
            progress.stage("validate")
            if isinstance(answer, BaseException):
                raise answer
            return answer

        module = ModuleType("runner.wiring")
        module.Request = make_dataclass("Request", ["repo", "change", "base", "policy", "stdin", "kind", "author", "gates"])
        module.Gates = str  # type: ignore[attr-defined]
        module.check = check  # type: ignore[attr-defined]
        module.demo = SimpleNamespace(judge=lambda progress: demo)  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "runner.wiring", module)
        monkeypatch.setattr("runner.wiring", module, raising=False)
        return requests

    return judge


@pytest.fixture
def seatrial(capfdbinary: pytest.CaptureFixture[bytes]) -> Callable[..., Answer]:
    """Run a command line in this process; nothing is known but its two streams and its exit code."""
    from runner.cli import signals
    from runner.cli.main import main

    def run(*arguments: str, stdin: bytes = b"") -> Answer:
        capfdbinary.readouterr()
        with pytest.MonkeyPatch.context() as patch:
            import io

            patch.setattr(signals, "install", lambda: None)
            patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
            code = main(arguments)
        out, err = capfdbinary.readouterr()
        return Answer(code=code, out=out.decode(), err=err.decode())

    return run


_STANDING_IN = """
import sys, time, types
from dataclasses import make_dataclass
sys.path.insert(0, {tests!r})
wiring = types.ModuleType("runner.wiring")
wiring.Request = make_dataclass("Request", ["repo", "change", "base", "policy", "stdin", "kind", "author", "gates"])
wiring.Gates = str
def check(request, progress):
{body}
wiring.check = check
import runner
sys.modules["runner.wiring"] = runner.wiring = wiring
from runner.cli.main import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.fixture
def process() -> Callable[..., "subprocess.Popen[bytes]"]:
    """Start a command line in a process of its own, whose check does what `body` says."""

    def start(body: str, arguments: Sequence[str], **given: Any) -> "subprocess.Popen[bytes]":
        indented = "\n".join(f"    {line}" for line in body.splitlines())
        code = _STANDING_IN.format(tests=str(Path(__file__).parent), body=indented)
        usual: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "cwd": ROOT}
        return subprocess.Popen([sys.executable, "-c", code, *arguments], **{**usual, **given})

    return start


@pytest.fixture
def submitted(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[tuple[Any, ...]]]:
    """Make every command about submitted runs answer with this run, or raise this; what was asked of the wiring."""

    def answer(with_: Any) -> list[tuple[Any, ...]]:
        from runner.wiring import answering, submitting, watcher

        asked: list[tuple[Any, ...]] = []

        def standing_in(name: str) -> Callable[..., Any]:
            def do(*given: Any, **named: Any) -> Any:
                *given_, progress = given if name != "wait" else (*given, None)
                if progress is not None:
                    (progress if name != "watch" else given[0]).note("working")
                asked.append((name, *(given_ if name != "watch" else ()), *named.values()))
                if isinstance(with_, BaseException):
                    raise with_
                return with_

            return do

        homes = {submitting: ("submit", "retry"), answering: ("resume", "ask", "answer", "wait"), watcher: ("watch",)}
        for home, names in homes.items():
            for name in names:
                monkeypatch.setattr(home, name, standing_in(name))
        return asked

    return answer
