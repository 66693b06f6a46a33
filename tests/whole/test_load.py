"""The layer `load` in whole checks: changed modules that do not import, in real sandboxes."""

from collections.abc import Callable
from pathlib import Path

import pytest

from runner.model.result import Result
from runner.model.run import Run
from runner.validators.static.pack import pack
from testing.whole import ROOT

pytestmark = [pytest.mark.docker, pytest.mark.usefixtures("uncontrolled")]
Diff = Callable[[dict[str, str | None]], Path]
INIT, QUAY = "src/berth/__init__.py", "src/berth/quay.py"
SOURCES = {name: (ROOT / "examples/berth" / name).read_text() for name in (INIT, QUAY)}
ONLY_ALONE = "import os, sys, time\nif 'pytest' not in sys.modules:\n    "


@pytest.fixture
def loaded(judged: Callable[..., Run], diff: Diff, tmp_path: Path) -> Callable[..., tuple[Run, Result]]:
    """A run over the given files, and what `load` answered; `static`, which reads some of it in the text, is told not to."""

    def perform(files: dict[str, str | None], *, wall: str = "60s") -> tuple[Run, Result]:
        policy = tmp_path / "policy.yaml"
        silent = ", ".join(f"{rule}: allow" for rule in pack().rules)
        policy.write_text(
            f"seatrial: 1\nvalidate: {{load: {{timeout: 4s}}, static: {{ruff: false, rules: {{{silent}}}}}}}\nsandbox: {{limits: {{wall: {wall}}}}}\n"
        )
        run = judged(diff(files), policy=policy)
        (answer,) = [result for result in run.results if result.check == "load"]
        return run, answer

    return perform


def others(run: Run) -> set[str]:
    """What the other checks say."""
    return {result.outcome.value for result in run.results if result.check != "load"}


def test_a_good_change_imports_and_collects(loaded) -> None:
    run, answer = loaded({QUAY: SOURCES[QUAY] + "\nSPARE = 1\n", "src/berth/spare.py": "from berth import quay\n"})
    assert (answer.outcome, answer.measured, answer.limit) == ("pass", 8, 8)
    assert answer.reason.startswith("2 changed modules import in a fresh interpreter")
    assert run.decision.verdict == "accept"
    assert answer.policy.endswith("policy.yaml:2")


@pytest.mark.parametrize(
    ("files", "outcome", "words"),
    [
        ({"src/berth/new.py": "from berth.keel import nothing\n"}, "fail", "berth.new does not import (the module is new): ImportError"),
        ({"src/berth/new.py": "import os\nos._exit(0)\n"}, "fail", "it ends the process with status 0"),
        ({"src/berth/new.py": "import time\ntime.sleep(600)\n"}, "fail", "berth.new does not import (the module is new): it was stopped after 4."),
        ({"src/berth/new.py": "import no_such_package\n"}, "hold", "berth.new needs no_such_package, which the image does not have"),
        ({QUAY: ONLY_ALONE + "os.write(198, b'garbage\\nbegin\\t0\\nimported\\t0\\t0.1')\n" + SOURCES[QUAY]}, "unknown", "could not be found out"),
        ({QUAY: ONLY_ALONE + "sys.exit('not today')\n" + SOURCES[QUAY]}, "fail", "SystemExit: not today at src/berth/quay.py:3"),
    ],
    ids=["an import error", "an exit", "a hang", "a dependency", "garbage", "an exit outside tests"],
)  # fmt: skip
def test_an_import_that_no_test_makes_is_seen_though_the_suite_is_green(loaded, files, outcome, words) -> None:
    run, answer = loaded(files)
    assert answer.outcome == outcome, answer.reason
    assert words in answer.reason
    assert others(run) <= {"pass", "warn"}


def test_a_module_that_hangs_the_suite_too_is_named(loaded) -> None:
    run, answer = loaded({INIT: "import time\ntime.sleep(600)\n" + SOURCES[INIT]}, wall="8s")
    assert (run.decision.verdict, answer.outcome) == ("reject", "fail")
    assert answer.reason.startswith("berth does not import (it did on the base): it was stopped after 4.")


@pytest.mark.parametrize("when", ["", "import sys\nif 'pytest' in sys.modules: "], ids=["always", "under pytest alone"])
def test_an_exit_at_import_is_rejected(loaded, when) -> None:
    run, answer = loaded({INIT: f"{when}__import__('os')._exit(0)\n{SOURCES[INIT]}"})
    assert (run.decision.verdict, answer.outcome, answer.measured) == ("reject", "fail", 0)


def test_an_import_that_writes_into_the_working_copy_or_leaves_a_process_does_nothing_to_the_suite(loaded) -> None:
    hostile = f"""{ONLY_ALONE}open('/work/tests/conftest.py', 'w').write('raise SystemExit(0)')
    for name in os.listdir('/work/tests'): open('/work/tests/' + name, 'w').write('def test_forged(): pass')
    if os.fork() == 0:
        os.setsid()
        time.sleep(600)
"""
    run, answer = loaded({QUAY: hostile + SOURCES[QUAY]})
    assert answer.outcome == "pass"
    assert run.tests.patched.passed == 8
    assert run.decision.verdict == "accept"


def test_a_module_that_fails_on_the_base_as_well_is_no_finding_against_the_change(loaded, berth: Path) -> None:
    from testing.whole import commit

    (berth / "src/berth/other_system.py").write_text("import winreg\n")
    commit(berth)
    run, answer = loaded({"src/berth/other_system.py": "import winreg\nKEY = 1\n"})
    assert (answer.outcome, run.decision.verdict) == ("pass", "accept"), answer.reason
    assert [finding.rule for finding in answer.findings] == ["load.as-before"]


def test_tests_that_are_no_longer_collected_fail_here_and_in_the_inventory(loaded) -> None:
    run, answer = loaded({QUAY: SOURCES[QUAY].replace("def assign", "def assigned")})
    assert (answer.outcome, answer.limit) == ("fail", 8)
    assert answer.measured < 8
    assert [result.outcome for result in run.results if result.check == "inventory"] == ["fail"]
