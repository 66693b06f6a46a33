"""Promise 9: a verdict never rests on code other than the change's."""

import pytest

from runner.model.suite import Module
from runner.trial import origin
from testing.builders import a_run

PACKAGES = {"src/click", "pkg", "pkg/sub"}


def judged(changed: str, *modules: tuple[str, str], can_tell: bool = True, known: bool = True) -> tuple[str, str]:
    run = a_run({"t": "passed"}, modules=tuple(Module(name=name, file=file) for name, file in modules), origins_known=known)
    result = origin.judge([("base", run), ("patched", run)], [changed], PACKAGES.__contains__, can_tell=can_tell)
    return result.outcome.value, result.reason


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("src/click/core.py", {"click.core", "src.click.core"}),
        ("src/click/__init__.py", {"click", "src.click"}),
        ("pkg/sub/x.py", {"pkg.sub.x"}),
        ("parse.py", {"parse"}),
        ("docs/conf.py", {"docs.conf", "conf"}),
        ("my-tools/run.py", {"run"}),
        ("README.md", set()),
    ],
)
def test_the_names_under_which_a_file_may_be_imported(path: str, names: set[str]) -> None:
    assert origin.module_names(path, PACKAGES.__contains__) == names


def test_promise_9_a_module_from_an_installed_release_is_unknown_with_module_and_path_named() -> None:
    outcome, reason = judged("src/click/core.py", ("click.core", "/opt/venv/lib/python3.11/site-packages/click/core.py"))
    assert outcome == "unknown"
    assert "click.core" in reason
    assert "/opt/venv/lib/python3.11/site-packages/click/core.py" in reason


def test_a_path_that_climbs_out_of_the_working_copy_is_elsewhere() -> None:
    assert judged("src/click/core.py", ("click.core", "/work/../opt/click/core.py"))[0] == "unknown"


def test_the_working_copy_passes() -> None:
    assert judged("src/click/core.py", ("click.core", "/work/src/click/core.py"))[0] == "pass"


def test_a_file_that_no_test_imports_is_said_to_be_unproven() -> None:
    outcome, reason = judged("src/click/core.py", ("click", "/work/src/click/__init__.py"))
    assert (outcome, "src/click/core.py" in reason) == ("warn", True)


def test_a_run_that_did_not_say_what_it_imported_proves_nothing() -> None:
    assert judged("src/click/core.py", known=False)[0] == "unknown"


def test_a_suite_that_cannot_tell_is_a_warning() -> None:
    assert judged("src/click/core.py", can_tell=False)[0] == "warn"


def test_a_module_that_the_change_stands_in_for_is_held() -> None:
    base = a_run({"t": "passed"}, modules=(Module(name="numpy", file="/opt/venv/numpy/__init__.py"),))
    patched = a_run({"t": "passed"}, modules=(Module(name="numpy", file="/work/numpy/__init__.py"),))
    result = origin.judge([("base", base), ("patched", patched)], ["numpy/__init__.py"], {"numpy"}.__contains__, can_tell=True)
    assert result.outcome in ("hold", "unknown")
    assert "numpy" in result.reason


@pytest.mark.parametrize(("module", "outcome"), [("/work/src/click/_fast.so", "unknown"), ("/opt/venv/other/_fast.so", "pass")])
def test_compiled_modules_of_the_base_prove_nothing_about_changed_sources(module: str, outcome: str) -> None:
    assert judged("src/click/_fast.c", ("click._fast", module))[0] == outcome


@pytest.mark.parametrize(
    ("changed", "module", "outcome"),
    [
        ("src/m.py", ("m", "/work/vendored/m.py"), "unknown"),
        ("src/click/core.py", ("click.core", "/work/build/lib/click/core.py"), "unknown"),
        ("scripts/utils.py", ("utils", "/work/tests/utils.py"), "warn"),
    ],
)
def test_another_copy_in_the_working_tree_is_not_the_changed_file(changed: str, module: tuple[str, str], outcome: str) -> None:
    assert judged(changed, module)[0] == outcome


@pytest.mark.parametrize(("gone", "outcome"), [((), "hold"), (("tests/helpers.py",), "pass")])
def test_a_module_of_the_tests_that_the_change_stands_in_for_is_held(gone: tuple[str, ...], outcome: str) -> None:
    base = a_run({"t": "passed"}, modules=(Module(name="tests.helpers", file="/work/tests/helpers.py"),))
    patched = a_run({"t": "passed"}, modules=(Module(name="tests.helpers", file="/work/src/tests/helpers.py"),))
    result = origin.judge([("base", base), ("patched", patched)], ["README.md"], PACKAGES.__contains__, gone=gone, can_tell=True)
    assert result.outcome == outcome
