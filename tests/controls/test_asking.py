"""How long what controls ask may take, and what they could not ask is said."""

from concurrent.futures import Future, ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import pytest

from runner.controls.asking import Asking, OverdueError
from runner.controls.checks import dead_body
from runner.controls.definitions import definitions
from runner.controls.options import Controls
from runner.controls.recorded import Recording
from runner.controls.subject import ChangedFile, Subject
from runner.model.sandbox import Limits
from runner.model.suite import Stop, SuiteRun, Usage
from runner.model.suite import TestOutcome as O
from testing.builders import a_run
from tests.controls.test_subject import BASE, TESTS, changed


def asking(pool: ThreadPoolExecutor, *, left: float, took: float, granted: list[float]) -> Asking:
    limits = Limits(wall=600.0)

    def made(wall: Limits) -> Any:
        def run(*_: object, **__: object) -> SuiteRun:
            granted.append(wall.wall)
            return SuiteRun(stop=Stop.TIMED_OUT, exit_code=None)

        return run

    class Benches:
        """Stands for `runner.trial.bench.Bench`, which is replaced with other limits."""

        def __init__(self, limits: Limits) -> None:
            self.limits, self.run = limits, made(limits)
            self.ports = SimpleNamespace(monotonic=lambda: 0.0)

    base, patched = (a_run(dict.fromkeys(TESTS, "passed")).model_copy(update={"usage": Usage(seconds=took)}) for took in (2.0, took))
    subject: Any = SimpleNamespace(bench=Benches(limits), sound={}, base=(base, base), patched=patched)
    return Asking(subject, pool, left)


@pytest.mark.parametrize(
    ("left", "took", "granted", "overdue"),
    [(100.0, 2.0, 21.0, False), (100.0, 7.0, 36.0, False), (100.0, 500.0, 45.0, False), (5.0, 2.0, 5.0, True)],
)
def test_a_tree_that_hangs_is_stopped_long_before_the_time_for_all_controls_is_up(
    left: float, took: float, granted: float, overdue: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    from runner.controls import asking as module

    monkeypatch.setattr(module, "replace", lambda bench, *, limits: type(bench)(limits))
    walls: list[float] = []
    with ThreadPoolExecutor(1) as pool:
        asked = asking(pool, left=left, took=took, granted=walls)
        if overdue:
            with pytest.raises(OverdueError):
                asked._run("twins", "tree", ())
        else:
            assert asked._run("twins", "tree", ()).stop is Stop.TIMED_OUT
    assert walls == [granted]


def test_a_changed_function_that_could_not_be_made_to_raise_is_said_though_others_were_red() -> None:
    latin = b"# coding: latin-1\n" + BASE
    pairs = [(BASE, changed(b"return x", b"return x + 0")), (latin, latin.replace(b"return x", b"return x + 0"))]
    files = tuple(ChangedFile(f"src/{name}.py", *pair, both) for name, pair, both in zip("mn", pairs, definitions(pairs), strict=True))
    run = a_run(dict.fromkeys(TESTS, "passed"))
    functions = [{"path": f"src/{name}.py", "name": "f", "line": 4} for name in "mn"]
    recording = Recording.model_validate({"complete": True, "functions": functions, "covers": {TESTS[0]: [0], TESTS[1]: [1]}})
    trees = SimpleNamespace(with_files=lambda tree, files: tree)
    bench: Any = SimpleNamespace(base_tree="base", ports=SimpleNamespace(trees=trees))
    change: Any = SimpleNamespace()
    subject = Subject(bench, change, "tree", Controls(), (run, run), run, files, recording, "seed")

    def told(*_: object) -> "Future[dict[str, O]]":
        red: Future[dict[str, O]] = Future()
        red.set_result({TESTS[0]: O.FAILED})
        return red

    answer: Any = SimpleNamespace(subject=subject, tests=told, tests_of_base=told)
    (result,) = dead_body.begin(answer)()
    assert (result.outcome, result.reason.startswith("unproven: 1 changed functions could not be made to raise, first src/n.py: f")) == (
        "warn",
        True,
    )


@pytest.mark.parametrize(("red", "left"), [(TESTS, ()), (TESTS[:1], TESTS[1:])])
def test_the_base_is_asked_only_about_tests_that_are_not_red_with_the_change(red: Any, left: Any) -> None:
    pairs = [(BASE, changed(b"return x", b"return x + 0"))]
    (both,) = definitions(pairs)
    run = a_run(dict.fromkeys(TESTS, "passed"))
    functions = [{"path": "src/m.py", "name": "f", "line": 4}]
    recording = Recording.model_validate({"complete": True, "functions": functions, "covers": {test: [0] for test in TESTS}})
    bench: Any = SimpleNamespace(base_tree="base", ports=SimpleNamespace(trees=SimpleNamespace(with_files=lambda tree, files: tree)))
    change: Any = SimpleNamespace()
    subject = Subject(bench, change, "tree", Controls(), (run, run), run, (ChangedFile("src/m.py", *pairs[0], both),), recording, "seed")
    asked: list[Any] = []

    def told(outcomes: dict[str, O]) -> "Future[dict[str, O]]":
        future: Future[dict[str, O]] = Future()
        future.set_result(outcomes)
        return future

    def base(_: str, tree: str, ids: Any) -> "Future[dict[str, O]]":
        asked.append((tree, sorted(ids)))
        return told(dict.fromkeys(ids, O.FAILED))

    outcomes = {test: O.FAILED if test in red else O.PASSED for test in TESTS}
    answer: Any = SimpleNamespace(subject=subject, tests=lambda *_: told(outcomes), tests_of_base=base)
    (result,) = dead_body.begin(answer)()
    assert asked == ([("base", sorted(left))] if left else [])
    assert result.outcome == ("hold" if left else "pass")


def test_a_skip_is_no_red_where_the_base_failed() -> None:
    on_base, on_patched = {TESTS[0]: O.FAILED}, {TESTS[0]: O.SKIPPED}
    assert dead_body.judge((TESTS[0],), on_base, on_patched, {TESTS[0]: "tests/test_a.py"}).outcome == "unknown"
