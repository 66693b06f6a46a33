"""What a change takes from the tests of the base, by comparing what both sides of its test files say."""

from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any, NamedTuple

from runner.gates.anomaly import claims
from runner.gates.anomaly.pairs import Pair, Paired, Place, keys, pair
from runner.gates.anomaly.term import Term

MOST_TERMS = 200
_COLLECTING = ("pytest_collect_file", "pytest_collect_directory", "pytest_generate_tests", "pytest_pycollect_makeitem")
_DEEDS = {
    "exit": "ends the process of the tests, or registers what runs at its end",
    "patch": "puts something else in place of what is tested or of what tests",
    "outcome": "writes the outcome of tests",
    "option": "changes the options that tests run with",
    "mark": "skips or excuses tests",
}


class Read(NamedTuple):
    """Both sides of one Python file of tests, as the child told them; empty where the file is not there."""

    path: str
    old: Mapping[str, Any]
    new: Mapping[str, Any]
    collects: bool = True
    """Whether a test runner would look for tests in a file of this name."""


def weakening(files: list[Read]) -> list[Term]:
    """Every way in which the tests say less than they did, `MOST_TERMS` at most."""
    return list(islice(_terms(files), MOST_TERMS))


def _terms(files: list[Read]) -> Iterator[Term]:
    broken = [file for file in files if "broken" in file.new and "tests" in file.old]
    for file in broken:
        if count := len(file.old["tests"]):
            yield Term("not_collected", file.path, f"it can no longer be read as Python, so its {count} tests are not collected")
    whole = [file for file in files if file not in broken and "broken" not in file.old]
    old = {(file.path, name): test for file in whole for name, test in file.old.get("tests", {}).items()}
    new = {
        (file.path, name): {**test, "strong": test["strong"] and file.collects}
        for file in whole
        for name, test in file.new.get("tests", {}).items()
    }
    found = pair(old, new)
    checks = {name: test["total"] for file in files for name, test in file.new.get("helpers", {}).items()}
    checks = {name.rpartition("::")[2]: total for name, total in checks.items()}
    yield from _gone(found, whole)
    for one in found.pairs:
        if not (one.old.get("same") and one.new.get("same")):
            yield from _of_pair(one, found, checks)
    for file in whole:
        yield from _helpers(file, found.pool, checks)
        yield from _running(file)


def _gone(found: Paired, files: list[Read]) -> Iterator[Term]:
    rule = "deleted_tests" if len(found.gone) > found.brought else "exchanged_tests"
    off = {file.path: file.new["ignored"] for file in files if file.new.get("ignored")}
    for path, name in found.gone:
        if path in off:
            yield Term("not_collected", path, f"{_short(name)} is not collected any more: {off[path][0]}")
        else:
            yield Term(rule, path, f"{_short(name)} is gone")
    for file in files:
        for name in file.old.get("made", {}):
            if name not in file.new.get("made", {}) and name not in file.new.get("tests", {}):
                yield Term(rule if found.gone else "deleted_tests", file.path, f"{_short(name)} is gone")


def _of_pair(one: Pair, found: Paired, checks: Mapping[str, int]) -> Iterator[Term]:
    old, new, path, name = one.old, one.new, one.new_place[0], _short(one.new_place[1])
    if old.get("same") or any(always for _, always in old.get("skips", ())):
        return  # it did not count before either
    line = new["line"]
    if old["strong"] and not new["strong"]:
        yield Term("not_collected", path, f"{name} is not collected any more", line)
    gained = Counter(tuple(skip) for skip in new["skips"]) - Counter(tuple(skip) for skip in old["skips"])
    if any(always for _, always in gained):
        kind = "expected to fail" if any(kind == "xfail" for kind, always in gained if always) else "skipped"
        yield Term("skipped_tests", path, f"{name} is newly {kind}", line)
        return
    if gained or len(new["guard"]) > len(old["guard"]):
        yield Term("conditional_skips", path, f"{name} is newly skipped where a condition holds", line)
    yield from _left(old, new, path, name)
    yield from _cases(one, found, name)
    yield from _claimed(old, new, path, name, found.pool, checks)


def _left(old: Mapping[str, Any], new: Mapping[str, Any], path: str, name: str) -> Iterator[Term]:
    """The test leaves earlier than it did."""
    for how, rule, message in (
        ("always", "cut_short", "ends here, and what follows is never reached"),
        ("hard", "cut_short", "ends the process"),
        ("maybe", "conditional_skips", "newly ends here where a condition holds"),
    ):
        before, after = ([left for left in side["exits"] if left[1] == how] for side in (old, new))
        if len(after) > len(before) and not (how == "maybe" and after[0][2] >= old["total"]):
            yield Term(rule, path, f"{name} {message}", after[0][0])


def _claimed(
    old: Mapping[str, Any], new: Mapping[str, Any], path: str, name: str, pool: Counter[tuple[Any, ...]], checks: Mapping[str, int]
) -> Iterator[Term]:
    """What is claimed, before and after."""
    if new["swallowed"] > old["swallowed"] and new["total"] < old["total"]:
        yield Term("swallowed_assertions", path, f"{name} goes on where what it asserts fails", new["line"])
        return
    compared = claims.compare(old, new)
    for line in compared.looser:
        yield Term("looser_assertions", path, f"{name} asserts less strictly", line)
    for line in compared.edited:
        yield Term("edited_expectations", path, f"{name} expects something else of the same", line)
    lost = [claim for claim in compared.lost if not _moved(claim, pool)]
    gained = claims.gained(old, new, checks)
    missing = sum(claim["times"] for claim in lost) - sum(claim["times"] for claim in compared.new) - gained
    if lost and missing > 0 and new["total"] + gained < old["total"]:
        yield Term("fewer_assertions", path, f"{name} asserts {new['total']} things where it asserted {old['total']}", new["line"])
    elif not compared.looser and claims.weaker(lost, compared.new) and not gained:
        yield Term("looser_assertions", path, f"{name} asserts less strictly", new["line"])


def _moved(claim: Mapping[str, Any], pool: Counter[tuple[Any, ...]]) -> bool:
    """Whether another test of the change makes this claim now."""
    same = next(iter(keys({"claims": [claim]})))
    if pool[same] <= 0:
        return False
    pool[same] -= 1
    return True


def _cases(one: Pair, found: Paired, name: str) -> Iterator[Term]:
    path, line = one.new_place[0], one.new["line"]
    after = dict(one.new["cases"])
    for names, given in one.old["cases"]:
        now = after.get(names, one.new["cases"][0][1] if len(one.old["cases"]) == len(one.new["cases"]) == 1 else ...)
        if given is None or now is None:
            continue
        before = Counter(tuple(case) for case in given)
        if now is ...:
            now = [] if one.new["total"] <= one.old["total"] else given
        new = Counter(tuple(case) for case in now)
        if excused := [case for case in (new - before) if case and case[-1] in ("skip", "xfail") and case[:-1] in before]:
            yield Term("skipped_tests", path, f"{len(excused)} cases of {name} are newly skipped or expected to fail", line)
        lost = before - new
        missing = (lost - found.cases).total() if len(now) < len(given) else 0
        if missing > 0 and len(now) < len(given):
            yield Term("fewer_cases", path, f"{name} has {len(now)} cases where it had {len(given)}", line)
        firsts = {case[0]: len(case) for case in new - before if len(case) > 1}
        if any(len(case) > 1 and firsts.get(case[0]) == len(case) for case in lost):
            yield Term("edited_expectations", path, f"a case of {name} expects something else of the same", line)


def _helpers(file: Read, pool: Counter[tuple[Any, ...]], checks: Mapping[str, int]) -> Iterator[Term]:
    """Functions that tests call to check something, and that check less."""
    for name, old in file.old.get("helpers", {}).items():
        new = file.new.get("helpers", {}).get(name)
        if new is not None and (old["total"] or old["exits"] != new["exits"]):
            yield from _left(old, new, file.path, _short(name))
            yield from _claimed(old, new, file.path, _short(name), pool, checks)


def _running(file: Read) -> Iterator[Term]:
    """What decides how tests run: hooks, deeds of a module's top, lists of what is not collected."""
    old, new = file.old, file.new
    before = {name: meaning for name, (_, meaning) in old.get("hooks", {}).items()}
    for name, (line, meaning) in new.get("hooks", {}).items():
        if before.get(name) != meaning:
            yield Term("hooks", file.path, f"{'the hook' if name in before else 'the new hook'} {_short(name)} decides how tests run", line)
    for name in sorted(before.keys() - new.get("hooks", {}).keys()):
        if name in _COLLECTING and "tests" in new:
            yield Term("not_collected", file.path, f"the hook {name}, which collects tests, is gone")
    known = Counter(meaning for _, _, meaning in old.get("deeds", ()))
    for kind, line, meaning in new.get("deeds", ()):
        known[meaning] -= 1
        if known[meaning] < 0:
            yield Term("hooks", file.path, f"newly {_DEEDS.get(kind, 'acts on tests')}", line)
    for name in ("collect_ignore", "collect_ignore_glob"):
        had = Counter(meaning for meaning, _ in old.get("lists", {}).get(name, ()))
        for meaning, line in new.get("lists", {}).get(name, ()):
            had[meaning] -= 1
            if had[meaning] < 0:
                yield Term("not_collected", file.path, f"{name} leaves out more than it did", line)


def _short(name: str) -> str:
    return name if len(name) <= 80 else name[:79] + "…"  # noqa: PLR2004


__all__ = ["Place", "Read", "weakening"]
