"""Which of the places that name test requirements are followed, and what is added for tests that use more."""

from collections.abc import Iterable, Iterator, Sequence

from runner.discovery.libraries import FIXTURES, IMPORTED, MARKERS, OPTIONS, SETTINGS
from runner.discovery.needs import Aim, Need, name_of, names_of, place_in_row

_WELL_KNOWN = frozenset({*IMPORTED.values(), *FIXTURES.values(), *MARKERS.values(), *SETTINGS.values(), *OPTIONS.values()}) - {""}
BROUGHT_ALONG = {"pytest-regressions": ("pytest-datadir", "pyyaml"), "moto": ("responses",), "flask": ("werkzeug", "jinja2")}
"""What well-known distributions bring with them."""


def choose(needs: Sequence[Need]) -> tuple[Need, ...]:
    """The needs to follow: the most fitting one for tests that brings pytest; where it does not, a development one that does as well.

    `needs` stand in the order in which their kinds are preferred.
    """
    order = {id(need): at for at, need in enumerate(needs)}
    ranked = sorted((need for need in needs if _says_something(need)), key=lambda need: (need.aim, _row(need), order[id(need)]))
    tests = [need for need in ranked if need.aim <= Aim.LIKE_TESTS]
    whole = [need for need in tests if _brings_pytest(need)]
    if whole:
        return (whole[0],)
    development = [need for need in ranked if need.aim is Aim.DEVELOPMENT and _brings_pytest(need)]
    return (*tests[:1], *development[:1])


def further(used: Iterable[tuple[str, str]], covered: frozenset[str], needs: Sequence[Need]) -> Iterator[tuple[str, str]]:
    """Requirements for the distributions that tests use and that nothing chosen brings, each with why it is added.

    One that the project names anywhere is taken as it stands there; another only when it is a well-known one.
    """
    ranked = sorted(needs, key=lambda need: need.aim)
    missing = {name_of(distribution): (distribution, why) for distribution, why in used}
    for name, (distribution, why) in missing.items():
        if name in covered or any(name in BROUGHT_ALONG.get(other, ()) for other in covered):
            continue
        named = next(((line, need.source) for need in ranked for line in need.lines if name_of(line) == name), None)
        if named is not None:
            yield named[0], f"{why}; {named[1]}"
        elif distribution in _WELL_KNOWN:
            yield distribution, why


def covers(needs: Iterable[Need], lines: Iterable[str]) -> frozenset[str]:
    """The distributions that the chosen needs and further requirements bring, by normal name."""
    return frozenset(name for need in needs for name in need.names) | names_of(lines)


def _row(need: Need) -> int:
    return min((place_in_row(name) for name in (*need.extras, *need.groups)), default=0)


def _says_something(need: Need) -> bool:
    return bool(need.extras or need.groups or need.requirements or need.packages)


def _brings_pytest(need: Need) -> bool:
    """Whether pytest is among what it names; a need that cannot be read is trusted to."""
    return not need.lines or any(name == "pytest" or name.startswith("pytest-") for name in need.names)
