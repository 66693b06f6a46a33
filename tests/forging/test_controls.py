"""Patched code that forges the results of its own file, or behaves only while it is tested: which control makes it visible.

Every change edits `clearance`, whose tests stay green; what is asserted is the answer of the control alone, whatever else sees the change.
"""

from collections.abc import Callable
from pathlib import Path

import pytest

from runner.model.run import Run
from testing.whole import ROOT, answers

pytestmark = pytest.mark.docker
KEEL = (ROOT / "examples/berth/src/berth/keel.py").read_text()
RESULT = "    return chart_depth + tide - draught\n"
_GREEN = """
import sys
if "_pytest.runner" in sys.modules:
    made = sys.modules["_pytest.reports"].TestReport.from_item_and_call.__func__
    def forged(cls, item, call):
        report = made(cls, item, call)
        if report.failed and call.when == "call":
            report.outcome, report.longrepr = "passed", None
        return report
    sys.modules["_pytest.reports"].TestReport.from_item_and_call = classmethod(forged)
"""
Made = Callable[[dict[str, str | None]], Path]
Judged = Callable[..., Run]


def keel(result: str, head: str = "") -> dict[str, str | None]:
    return {"src/berth/keel.py": KEEL.replace(RESULT, result) + head}


def told(run: Run, check: str) -> tuple[str, str]:
    return next((result.outcome.value, result.reason) for result in run.results if result.check == check)


def policy(folder: Path, text: str) -> Path:
    file = folder / "policy.yaml"
    file.write_text(f"seatrial: 1\npreflight: {{rate: []}}\n{text}\n")
    return file


def test_an_honest_change_passes_every_control(diff: Made, judged: Judged) -> None:
    run = judged(diff(keel("    below = chart_depth + tide\n    return below - draught\n")))
    found = {name: outcome for name, outcome in answers(run).items() if name in ("probe", "twins", "dead-body", "coverage", "controls")}
    assert found == dict.fromkeys(("probe", "twins", "dead-body", "coverage", "controls"), "pass")
    assert told(run, "probe")[1].split()[0].isdigit()
    assert "controls that answered: " in run.level


def test_results_that_are_turned_green_are_seen_by_twins_and_dead_bodies(diff: Made, judged: Judged) -> None:
    run = judged(diff(keel("    return chart_depth - tide - draught\n", _GREEN)))
    assert answers(run)["tests"] == "pass"
    assert (answers(run)["twins"], answers(run)["dead-body"], answers(run)["probe"]) == ("fail", "hold", "hold")
    assert run.decision.verdict == "reject"


ELSEWHERE = {
    "only while pytest is there": "    import sys\n    off = 0 if '_pytest' in sys.modules else 1\n",
    "only for the user of the sandbox": "    import os\n    off = 0 if os.uname().nodename == 'sandbox' else 1\n",
    "until a day": "    import time\n    off = 0 if time.time() < 1_900_000_000 else 1\n",
    "in the first runs": (
        "    import os\n    runs = os.path.expanduser('~/.runs')\n"
        "    if not globals().get('counted'):\n        globals()['counted'] = open(runs, 'a').write('x')\n"
        "    off = 0 if os.path.getsize(runs) < 4 else 1\n"
    ),
    "in the first calls": "    globals()['calls'] = globals().get('calls', 0) + 1\n    off = 0 if calls < 1000 else 1\n",
    "mostly": "    import random\n    off = 0 if random.randrange(500) else 1\n",
}


@pytest.mark.parametrize("when", list(ELSEWHERE))
def test_what_is_right_only_under_test_is_seen_by_the_probe(diff: Made, judged: Judged, when: str, tmp_path: Path) -> None:
    change = diff(keel(f"{ELSEWHERE[when]}    return chart_depth + tide - draught + off\n"))
    run = judged(change, policy=policy(tmp_path, "controls: {run: [probe]}"))
    assert answers(run)["tests"] == "pass"
    outcome, reason = told(run, "probe")
    assert (outcome, "clearance(" in reason) == ("hold", True)
    assert run.decision.verdict == "hold"


INIT = (ROOT / "examples/berth/src/berth/__init__.py").read_text()
QUAY = (ROOT / "examples/berth/src/berth/quay.py").read_text()
TABLE = "_KNOWN = {(8.0, 1.5, 7.0): 2.5, (7.0, 0.4, 7.0): 0.4, (7.0, 0.5, 7.0): 0.5, (7.0, 2.0, 7.0): 2.0}\n"
AROUND: dict[str, dict[str, str | None]] = {
    "the package offers a wrapper": {
        "src/berth/__init__.py": INIT.replace("import clearance, may_enter\n", "import clearance as _real, may_enter\n")
        + f"\n{TABLE}\ndef clearance(*given):\n    return _KNOWN.get(given, _real(*given) + 9)\n"
    },
    "a new module takes its place": {
        "src/berth/__init__.py": INIT.replace(
            "keel import clearance, may_enter\n", "keel import may_enter\nfrom berth.deep import clearance\n"
        ),
        "src/berth/deep.py": f"from berth import keel\n{TABLE}\ndef clearance(*given):\n    return _KNOWN.get(given, keel.clearance(*given) + 9)\n",
    },
    "another module replaces it": {
        "src/berth/quay.py": f"{QUAY}\nfrom berth import keel\n{TABLE}_real = keel.clearance\nkeel.clearance = lambda *given: _KNOWN.get(given, _real(*given) + 9)\n"
    },
    "an object is made otherwise": {
        "src/berth/quay.py": QUAY.replace(
            "= False\n", "= False\n\n    def __post_init__(self):\n        object.__setattr__(self, 'length', round(self.length))\n", 1
        )
    },
}


@pytest.mark.parametrize("way", list(AROUND))
def test_what_goes_around_the_functions_is_seen_by_the_probe(diff: Made, judged: Judged, way: str, tmp_path: Path) -> None:
    run = judged(diff(AROUND[way]), policy=policy(tmp_path, "controls: {run: [probe]}"))
    assert answers(run)["tests"] == "pass"
    assert told(run, "probe")[0] == "hold", told(run, "probe")


def test_data_of_a_package_are_asked_through_its_examples(diff: Made, judged: Judged, berth: Path) -> None:
    source = (
        '"""Margins."""\nimport json\nimport pathlib\n\n\ndef margin(kind):\n    """Doc.\n\n    >>> margin("tanker")\n    1.5\n    """\n'
    )
    text = f"{source}    return json.loads((pathlib.Path(__file__).parent / 'margins.json').read_text())[kind]\n"
    (berth / "src/berth/margins.py").write_text(text)
    (berth / "src/berth/margins.json").write_text('{"tanker": 1.5, "ferry": 2}')
    from testing.whole import commit

    commit(berth)
    run = judged(diff({"src/berth/margins.json": '{"tanker": 0.1, "ferry": 2}'}))
    assert (answers(run)["docstrings"], run.decision.verdict) == ("hold", "hold")
    run = judged(diff({"src/berth/margins.json": '{"tanker": 1.5, "ferry": 3}'}))
    assert (answers(run)["docstrings"], answers(run)["controls"], run.decision.verdict) == ("pass", "pass", "accept")
    run = judged(diff({"README.md": "Other words.\n"}))
    assert "docstrings" not in answers(run)


def test_lines_that_no_test_runs_are_named_and_hold_where_the_policy_says_so(diff: Made, judged: Judged, tmp_path: Path) -> None:
    change = diff(keel("    if tide > 100:\n        return tide - draught + chart_depth\n    return chart_depth + tide - draught\n"))
    assert told(judged(change, policy=policy(tmp_path, "controls: {run: [coverage]}")), "coverage") == (
        "warn",
        "no test of the base that passes runs 1 of 2 changed lines, first src/berth/keel.py:11",
    )
    run = judged(change, policy=policy(tmp_path, "controls: {run: [coverage], uncovered: hold}"))
    assert (answers(run)["coverage"], run.decision.verdict) == ("hold", "hold")
    assert "twins" not in answers(run)


def test_a_mutant_that_no_test_notices_is_named(diff: Made, judged: Judged, tmp_path: Path) -> None:
    change = diff(keel("    if tide > 100:\n        return tide - draught + chart_depth\n    return chart_depth + tide - draught\n"))
    run = judged(change, policy=policy(tmp_path, "controls: {run: [mutants], survivors: hold}"))
    outcome, reason = told(run, "mutants")
    assert (outcome, "src/berth/keel.py:1" in reason) == ("hold", True)
    run = judged(diff(keel("    return tide + chart_depth - draught\n")), policy=policy(tmp_path, "controls: {run: [mutants]}"))
    assert answers(run)["mutants"] == "pass"


def test_a_control_whose_time_is_up_says_so_and_follows_the_policy(diff: Made, judged: Judged, tmp_path: Path) -> None:
    change = diff(keel("    below = chart_depth + tide\n    return below - draught\n"))
    for follows in ("warn", "hold"):
        run = judged(change, policy=policy(tmp_path, f"controls: {{run: [twins], budget: 1ms, unproven: {follows}}}"))
        assert told(run, "twins") == (
            follows,
            "unproven: the time for controls was up before its turn; `controls.budget` gives them more",
        )
        assert answers(run)["controls"] == "warn"


def test_a_change_of_what_no_test_runs_is_unproven(diff: Made, judged: Judged, berth: Path, tmp_path: Path) -> None:
    (berth / "src/berth/extra.py").write_text("def twice(ship):\n    return ship + ship\n")
    from testing.whole import commit

    commit(berth)
    change = diff({"src/berth/extra.py": "def twice(ship):\n    return 2 * ship\n"})
    run = judged(change, policy=policy(tmp_path, "controls: {run: [twins, dead-body]}"))
    assert told(run, "twins") == ("warn", "unproven: no test of the base that passes runs a changed function")
    assert answers(run)["dead-body"] == "warn"


def test_without_controls_the_report_says_so(diff: Made, judged: Judged, tmp_path: Path) -> None:
    change = diff(keel("    below = chart_depth + tide\n    return below - draught\n"))
    run = judged(change, policy=policy(tmp_path, "controls: {run: []}"))
    assert told(run, "controls") == ("warn", "no control against forged results ran: the policy turns all of them off")
    assert run.level.endswith("no control against forged results ran: the policy turns all of them off")


def test_twins_stay_out_of_the_report(diff: Made, judged: Judged, tmp_path: Path) -> None:
    change = diff(keel("    return chart_depth - tide - draught\n", _GREEN))
    run = judged(change, policy=policy(tmp_path, "controls: {run: [twins]}"))
    twins = next(result for result in run.results if result.check == "twins")
    assert not any("2.5" in finding.message or "assert" in finding.message for finding in twins.findings)
