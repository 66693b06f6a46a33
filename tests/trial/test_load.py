"""What the layer `load` says of imports and of the collection."""

import pytest

from runner.model.result import Result
from runner.model.suite import Stop, SuiteRun, Usage
from runner.trial import judge
from runner.trial.compare import compare
from runner.trial.imports import Answer
from runner.trial.load import Imports, Options, judge_load, suspects
from runner.trial.sides import Inventory, split
from testing.builders import a_change, a_run

BASE = {"tests/test_a.py::x": "passed", "tests/test_b.py::y": "passed"}
FINE = Answer("imported", 0.1, "/work/m.py")
ENDED, HUNG, SILENT = Answer("ended", 0.1, status=0), Answer("hung", 20.0), Answer("silent")


def raised(error: str, needs: str = "", place: str = "m.py:7") -> Answer:
    return Answer("raised", 0.1, "", error, needs, place, "why")


def judged(
    imports: Imports | None,
    patched: SuiteRun | None = None,
    *,
    again: SuiteRun | None = None,
    base: SuiteRun | None = None,
    own: SuiteRun | None = None,
    changed: tuple[str, ...] = ("m.py",),
    python: bool = True,
) -> Result:
    before, after = base or a_run(BASE), patched or a_run(BASE)
    sides = split(a_change(*changed).files, Inventory(frozenset({"tests/test_a.py", "tests/test_b.py"})), lambda _: False)
    matter = judge.Matter(compare([before], after, steady={}, own=own), frozenset(changed), sides, own or after)
    runs = (after, again) if again else (after,)
    return judge_load(imports, matter, [before], runs, python=python)


def module(
    now: Answer, before: Answer | None = None, *, beside: tuple[Answer, ...] = (), at_hand: str = "", in_suite: bool = False
) -> Imports:
    """One module that did not import in company; alone it fared like `now`, and like `before` on a base that has it."""
    return Imports(
        modules={"m": "m.py"},
        together={"m": now if now.state != "imported" else SILENT},
        patched={"m": now},
        base={"m": before} if before else {},
        neighbours={} if before else {"m": beside},
        at_hand=frozenset({at_hand} - {""}),
        in_suite=frozenset({"m.py"} if in_suite else ()),
    )


def test_modules_that_import_and_a_suite_that_collects_all_pass_with_the_numbers() -> None:
    answer = judged(Imports({"m": "m.py"}, {"m": FINE}))
    assert (answer.outcome, answer.measured, answer.limit, answer.findings) == ("pass", 2, 2, ())
    assert answer.reason == "1 changed module imports in a fresh interpreter; the suite collects 2 tests, of the base's 2 none is gone"


@pytest.mark.parametrize(
    ("imports", "outcome", "rule"),
    [
        # the base imports it
        (module(raised("NameError"), FINE), "fail", "load.import"),
        (module(raised("KeyError"), FINE), "fail", "load.import"),
        (module(raised("SystemExit"), FINE), "fail", "load.exit"),
        (module(ENDED, FINE), "fail", "load.exit"),
        (module(HUNG, FINE), "fail", "load.hangs"),
        (module(raised("NameError"), FINE, in_suite=True), "fail", "load.import"),
        # it is new
        (module(raised("NameError")), "fail", "load.import"),
        (module(raised("SystemExit"), in_suite=True), "fail", "load.exit"),
        (module(ENDED, beside=(ENDED,)), "fail", "load.exit"),
        (module(HUNG), "fail", "load.hangs"),
        (module(raised("KeyError")), "hold", "load.import"),
        (module(raised("NameError"), in_suite=True), "hold", "load.import"),
        (module(raised("ImproperlyConfigured"), beside=(FINE, raised("ImproperlyConfigured"))), "pass", "load.as-before"),
        (module(raised("ImproperlyConfigured"), beside=(raised("KeyError"),)), "hold", "load.import"),
        # something is missing
        (module(raised("ModuleNotFoundError", "numpy.core"), FINE), "hold", "load.needs"),
        (module(raised("ModuleNotFoundError", "numpy")), "hold", "load.needs"),
        (module(raised("ImportError", "numpy"), FINE), "hold", "load.needs"),
        (module(raised("RuntimeError", "numpy"), FINE), "hold", "load.needs"),
        (module(raised("ModuleNotFoundError", "winreg"), FINE), "hold", "load.needs"),
        (module(raised("ImportError", "os"), FINE), "fail", "load.import"),
        (module(raised("ModuleNotFoundError", "pkg.gone"), FINE, at_hand="pkg"), "fail", "load.import"),
        (module(raised("ImportError", "pkg"), at_hand="pkg"), "fail", "load.import"),
        # as on the base, and no answer
        (module(raised("ModuleNotFoundError", "winreg"), raised("ModuleNotFoundError", "winreg")), "pass", "load.as-before"),
        (module(HUNG, ENDED), "pass", "load.as-before"),
        (module(SILENT, FINE), "unknown", "load.no-answer"),
        (module(raised("NameError"), SILENT), "unknown", "load.no-answer"),
    ],
)
def test_a_module_that_does_not_import_is_judged_by_the_base(imports: Imports, outcome: str, rule: str) -> None:
    answer = judged(imports)
    assert (answer.outcome, answer.findings[0].rule, answer.findings[0].path) == (outcome, rule, "m.py")
    assert (answer.cause is not None) is (outcome == "unknown")


def test_a_module_that_imports_alone_is_fine_whatever_it_did_in_company() -> None:
    answer = judged(module(FINE))
    assert (answer.outcome, answer.findings) == ("pass", ())


def test_the_words_say_which_module_why_and_where() -> None:
    answer = judged(module(raised("NameError"), FINE))
    assert answer.reason == "m does not import (it did on the base): NameError: why at m.py:7"
    assert answer.findings[0].line == 7
    assert judged(module(HUNG, FINE)).reason == "m does not import (it did on the base): it was stopped after 20.0s"
    assert "needs numpy, which the image does not have" in judged(module(raised("ModuleNotFoundError", "numpy"))).reason


def test_a_module_from_elsewhere_is_a_warning() -> None:
    answer = judged(Imports({"m": "m.py"}, {"m": Answer("imported", 0.1, "/usr/lib/m.py")}))
    assert (answer.outcome, answer.findings[0].rule) == ("warn", "load.elsewhere")


def test_of_several_modules_the_worst_decides() -> None:
    answers = {"a": raised("ModuleNotFoundError", "numpy"), "b": raised("NameError"), "c": FINE}
    imports = Imports({name: f"{name}.py" for name in answers}, answers, answers, {"a": FINE, "b": FINE})
    answer = judged(imports)
    assert answer.outcome == "fail"
    assert answer.reason.startswith("b does not import")
    assert {finding.rule for finding in answer.findings} == {"load.needs", "load.import"}


def test_suspects_are_all_that_did_not_import() -> None:
    assert suspects({"a": FINE, "b": SILENT, "c": ENDED}) == ("b", "c")


@pytest.mark.parametrize(("python", "outcome"), [(True, "warn"), (False, "pass")])
def test_a_suite_without_a_known_interpreter_says_that_nothing_was_tried(python: bool, outcome: str) -> None:
    assert judged(None, python=python).outcome == outcome


EMPTY = a_run({}, ended=False, exit_code=0, disagreement="the process ended before the session did")
NOTHING = Imports({}, {})
LOST = a_run({"tests/test_b.py::y": "passed"})


def test_tests_that_are_no_longer_collected_are_judged_as_the_inventory_does() -> None:
    lost = judged(NOTHING, LOST)
    assert (lost.outcome, lost.measured, lost.limit) == ("fail", 1, 2)
    assert judged(NOTHING, LOST, changed=("m.py", "tests/test_a.py"), own=a_run(BASE)).outcome == "hold"


def test_tests_that_were_collected_and_gave_no_result_are_the_inventorys_matter() -> None:
    cut_short = a_run({"tests/test_b.py::y": "passed"}, ended=False).model_copy(update={"collected": tuple(BASE)})
    assert judged(NOTHING, cut_short).outcome == "pass"


@pytest.mark.parametrize(
    ("patched", "again", "outcome"),
    [
        (EMPTY, EMPTY, "fail"),
        (EMPTY, None, "unknown"),
        (EMPTY, a_run(BASE), "unknown"),
        (EMPTY, a_run({}, ended=False, stop=Stop.TIMED_OUT), "unknown"),
        (EMPTY, a_run({}, ended=False, usage=Usage(disk_full="/work")), "unknown"),
        (a_run({}, ended=False, stop=Stop.OUT_OF_MEMORY), EMPTY, "unknown"),
        (a_run({}, ended=False, usage=Usage(pids_denied=3)), EMPTY, "unknown"),
    ],
)
def test_a_suite_that_ends_before_it_collects_fails_when_it_does_so_twice(patched: SuiteRun, again: SuiteRun | None, outcome: str) -> None:
    assert judged(NOTHING, patched, again=again).outcome == outcome


def test_a_suite_that_collects_with_the_changes_own_configuration_is_not_rejected() -> None:
    assert judged(NOTHING, EMPTY, again=EMPTY, own=a_run(BASE)).outcome == "unknown"
    assert judged(NOTHING, EMPTY, again=EMPTY, own=EMPTY).outcome == "fail"


def test_a_base_that_gives_no_measure_leaves_the_collection_unknown_and_a_failed_import_a_failure() -> None:
    assert judged(NOTHING, base=EMPTY).outcome == "unknown"
    assert judged(module(ENDED, FINE), base=EMPTY).outcome == "fail"


def test_modules_are_skipped_by_name_and_all_below_them() -> None:
    options = Options(skip=("pkg.plugins",))
    assert [options.wants(name) for name in ("pkg", "pkg.plugins", "pkg.plugins.a", "pkg.plugins2")] == [True, False, False, True]
