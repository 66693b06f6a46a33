"""Check `twins`: tests of the base that run changed functions, each with a wrong expectation, are red on the patched tree as on the base."""

from collections.abc import Mapping, Sequence

from runner.controls.asking import Answer, Asking, Outcomes, is_red, unproven
from runner.controls.ids import function_of
from runner.controls.subject import Subject
from runner.controls.twins import Asked, twins
from runner.model.result import Cause, Finding, Outcome, Result
from runner.model.suite import TestOutcome
from runner.model.text import printable

CHECK = "twins"
MOST = 20
"""Tests with a twin."""
LONGEST = 4.0
"""Seconds that these take on the base together."""
SHOWN = 20
AGAIN = 2
"""How often a twin that is green on the patched tree alone is asked again, on both: a test that depends on the clock wavers."""
_GREEN = (TestOutcome.PASSED, TestOutcome.XFAILED, TestOutcome.XPASSED)
_FAR = 4
"""One test in so many gets numbers far from the right ones: a result may equal all that is near, or all that is far."""
_TURNS = (0, 0, 0, 1, 2)
"""The last assertion catches most (`facts/controls.md`); now and then another one, so that nobody can count on it."""


def begin(asking: Asking) -> Answer:
    """Run the twins over the patched tree; those that are not red there over the base, too, and what is green on the patched tree alone again."""
    subject = asking.subject
    tests = subject.chosen(MOST, LONGEST, fill=True)
    if not tests:
        return lambda: (unproven(subject, CHECK, "no test of the base that passes runs a changed function"),)
    files, unread = _twins(subject, tests)
    straight = {
        test: files[path][1][function_of(test)]
        for test in tests
        if (path := subject.sound[test].path) in files and function_of(test) in files[path][1]
    }
    if not straight:
        why = f"; {printable(unread[0])} is no Python that can be read here" if unread else ""
        return lambda: (unproven(subject, CHECK, f"none of {len(tests)} tests holds an expectation that could be made wrong{why}"),)
    contents = {path: source for path, (source, _) in files.items()}
    trees = [subject.trees.with_files(tree, contents) for tree in (subject.bench.base_tree, subject.verdict_tree)]
    asked = tuple(straight)
    told = asking.tests("twins", trees[1], asked)
    paths = {test: subject.sound[test].path for test in asked}

    def answer() -> tuple[Result, ...]:
        on_patched = told.result()
        left = tuple(test for test in asked if not is_red(test, on_patched))
        seen = [(asking.tests_of_base("twins", trees[0], left).result() if left else {}, on_patched)]
        if green := _green(asked, *seen[0]):
            again = [tuple(asking.tests("twins again", tree, green) for tree in trees) for _ in range(AGAIN)]
            seen += [(base.result(), patched.result()) for base, patched in again]
        return (judge(asked, seen, paths, straight),)

    return answer


def _twins(subject: Subject, tests: Sequence[str]) -> tuple[Mapping[str, tuple[bytes, Mapping[str, bool]]], Sequence[str]]:
    """By path, the twin of a test file, and of each function that was altered in it whether every run comes by what was; and files that nobody can read."""
    paths = sorted({subject.sound[test].path for test in tests})
    sources = {path: subject.trees.read(subject.bench.base_tree, path) for path in paths}
    alike = [path for path in paths if sources[path] is not None and sources[path] == subject.trees.read(subject.verdict_tree, path)]
    asked = []
    for path in alike:
        named = {function_of(test) for test in tests if subject.sound[test].path == path}
        far = {name for name in named if subject.draw(f"far {path} {name}") % _FAR == 0}
        asked.append(Asked(sources[path] or b"", named, _TURNS[subject.draw(f"turn {path}") % len(_TURNS)], far))
    found: dict[str, tuple[bytes, Mapping[str, bool]]] = {}
    unread = []
    for path, made in zip(alike, twins(asked), strict=True):
        if made is None:
            unread.append(path)
        elif made.altered:
            straight: dict[str, bool] = {}
            for altered in made.altered:
                straight[altered.function] = straight.get(altered.function, True) and altered.straight
            found[path] = made.source, straight
    return found, unread


def _green(tests: Sequence[str], on_base: Outcomes, on_patched: Outcomes) -> tuple[str, ...]:
    """Tests whose twin is red on the base and green on the patched tree."""
    return tuple(test for test in tests if is_red(test, on_base) and on_patched.get(test) in _GREEN)


def judge(
    tests: Sequence[str], seen: Sequence[tuple[Outcomes, Outcomes]], paths: Mapping[str, str], straight: Mapping[str, bool]
) -> Result:
    """The check's answer, test by test, from the first asking and those of what was green.

    A twin that is red on the patched tree is its own proof, and the base is not asked about it; one that is red on neither proves nothing.
    Forged is what is red on the base and green on the patched tree each time, where every run comes by what was altered; the rest of what was green
    once is for a person to look at: a test that wavers, or one that no longer comes by its assertion.
    """
    on_base, on_patched = seen[0]
    biting = [test for test in tests if is_red(test, on_patched) or is_red(test, on_base)]
    green = _green(tests, on_base, on_patched)
    forged = [test for test in green if straight[test] and len(seen) > 1 and all(_green((test,), *both) for both in seen[1:])]
    if green:
        first = forged[0] if forged else green[0]
        what = "passes with an expectation that is wrong" if forged else "passed with an expectation that is wrong, or did not come by it"
        findings = tuple(
            Finding(path=paths[test], rule="twins.green", message=f"{printable(test)} {what}") for test in (forged or green)[:SHOWN]
        )
        begins = "forged: " if forged else ""
        reason = f"{begins}{len(forged or green)} of {len(biting)} tests pass on the patched tree with expectations that are wrong, first {printable(first)}"
        return Result(check=CHECK, outcome=Outcome.FAIL if forged else Outcome.HOLD, reason=reason, measured=len(biting), findings=findings)
    if not biting:
        reason = f"none of {len(tests)} tests with a wrong expectation was red on the base: they prove nothing"
        return Result(check=CHECK, outcome=Outcome.UNKNOWN, cause=Cause.EVIDENCE, reason=reason)
    silent = [test for test in biting if not is_red(test, on_patched)]
    if silent:
        reason = (
            f"{len(silent)} of {len(biting)} tests with wrong expectations gave no result on the patched tree, first {printable(silent[0])}"
        )
        return Result(check=CHECK, outcome=Outcome.UNKNOWN, cause=Cause.EVIDENCE, reason=reason, measured=len(biting))
    reason = f"{len(biting)} tests that run what was changed are red when what they expect is wrong"
    return Result(check=CHECK, outcome=Outcome.PASS, reason=reason, measured=len(biting))
