"""The score of a change: its terms, each with its points, folded to a number from 0 to 100."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from runner.gates.anomaly.measured import Facts
from runner.gates.anomaly.options import Levels, Options
from runner.gates.anomaly.term import Term

_RULES = {
    "deleted_tests": 35, "exchanged_tests": 8, "skipped_tests": 45, "conditional_skips": 12, "cut_short": 50, "swallowed_assertions": 40,
    "fewer_assertions": 18, "looser_assertions": 20, "edited_expectations": 10, "fewer_cases": 12, "not_collected": 45, "hooks": 45,
    "selection": 45, "startup": 60, "ignored_failures": 40, "patterns": 0, "oversize": 0, "frequency": 10, "unread": 25,
}  # fmt: skip
"""Points of an exact rule that found something, once however often; patterns bring their own, size has points as it is."""
_FEATURES = {
    "lines added": 20, "lines deleted": 8, "files": 8, "folders": 6, "top folders": 6, "scatter": 6, "files removed": 6, "binary files": 4,
    "commits to one of its files": 4, "people at one of its files": 4, "days since its files were touched": 2,
}  # fmt: skip
"""Points of a feature, most for the one that tells most by itself in studies of many projects (LApredict, ISSTA 2021), at twice the z that is called unusual, or at twice the cap."""
_DEPENDENCIES, _UNTESTED = 6, 3


class Part(NamedTuple):
    """One term of the score in words; `rule` is empty where it is no exact rule's."""

    points: float
    words: str
    rule: str = ""


def parts(facts: Facts, found: Iterable[Term], options: Options) -> list[Part]:
    """The terms of the score, the largest first."""
    every = [*_of_rules(found), *(_of_history(facts, options) if facts.usual else _of_caps(facts, options))]
    if facts.dependencies:
        every.append(Part(_DEPENDENCIES, "dependency files are touched"))
    if facts.untested:
        every.append(Part(_UNTESTED, "source changed and no test did"))
    return sorted((part for part in every if part.points > 0 or part.rule), key=lambda part: -part.points)


def score(every: Iterable[Part]) -> int:
    """100 (1 - product of (1 - points / 100)): each term takes its share of what is left, so their order does not matter."""
    left = 1.0
    for part in every:
        left *= 1 - min(part.points, 100) / 100
    return round(100 * (1 - left))


def level(points: int, levels: Levels) -> str:
    """`low`, `medium`, `high` or `critical`."""
    return next((name for name in ("critical", "high", "medium") if points >= getattr(levels, name)), "low")


def caps(facts: Facts, options: Options) -> Iterator[Term]:
    """Where the change is larger than a short history lets it be."""
    if facts.usual:
        return
    for name, value, cap in _capped(facts, options):
        if value > cap:
            yield Term(
                "oversize", "", f"{_number(value)} {name} changed; the cap is {cap} while the history is short ({facts.commits} commits)"
            )


def _capped(facts: Facts, options: Options) -> tuple[tuple[str, float, int], ...]:
    numbers = facts.numbers
    lines = numbers["lines added"] + numbers["lines deleted"]
    return (
        ("lines", lines, options.max_lines),
        ("files", numbers["files"], options.max_files),
        ("folders", numbers["folders"], options.advanced.max_dirs),
    )


def _of_caps(facts: Facts, options: Options) -> Iterator[Part]:
    for name, value, cap in _capped(facts, options):
        most = {"lines": "lines added"}.get(name, name)
        yield Part(_FEATURES[most] * min(value / (2 * cap), 1.0), f"{_number(value)} {name} changed, {cap} are usual")


def _of_history(facts: Facts, options: Options) -> Iterator[Part]:
    for name, (median, z) in facts.usual.items():
        points = _FEATURES.get(name, 0) * min(max(z / (2 * options.advanced.robust_z), 0.0), 1.0)
        yield Part(points, f"{name}: {_number(facts.numbers[name])}, usual {_number(median)} (z {z:.1f})")


def _number(value: float) -> str:
    """A count in full, anything else to two digits; never an exponent or a negative zero."""
    return str(int(value)) if value == int(value) else f"{round(value, 2):g}"


def _of_rules(found: Iterable[Term]) -> Iterator[Part]:
    by_rule: dict[str, list[Term]] = {}
    for term in found:
        by_rule.setdefault(term.rule, []).append(term)
    for rule, terms in by_rule.items():
        kinds = {term.message: term.weight for term in terms if term.weight}
        points = _RULES[rule] + 100 * (1 - _left(kinds.values()))
        first = terms[0]
        place = f"{first.path}:{first.line}: " if first.line else f"{first.path}: " if first.path else ""
        more = f" (and {len(terms) - 1} more)" if len(terms) > 1 else ""
        yield Part(points, f"{place}{first.message}{more}", rule)


def _left(weights: Iterable[int]) -> float:
    left = 1.0
    for weight in weights:
        left *= 1 - weight / 100
    return left
