"""Calls that show what a change does beyond the functions it edits: names that a module passes on, and objects of altered classes."""

import ast
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from runner.controls.calls import RecordedCall, Target
from runner.controls.definitions import MODULE, Both, Imported

MADE = "\0made"
"""How `inside/objects.py` marks an object that a call of its class makes."""
MOST_CLASSES = 20
"""Altered classes of one file."""
MOST_MADE = 3
"""Objects of one class that are compared, hashed and altered."""
Known = Mapping[Target, Iterable[RecordedCall]]
Modules = Mapping[str, Both]


class Beyond(NamedTuple):
    """Calls by what they show, and what counts as changed, each with those whose calls show it."""

    calls: Mapping[Target, Sequence[RecordedCall]]
    changed: Mapping[Target, frozenset[Target]]


def beyond(modules: Modules, known: Known) -> Beyond:
    """The calls for changed modules by name; `known` are all recorded calls by where the function is defined."""
    calls: dict[Target, list[RecordedCall]] = {}
    changed: dict[Target, frozenset[Target]] = {}
    for module, both in modules.items():
        for name, found in _passed_on(module, both, known):
            for call in found:
                calls.setdefault(call.target, []).append(call)
            if both.taken_over(name):
                changed[module, name] = frozenset(call.target for call in found)
        for name in both.altered_classes[:MOST_CLASSES]:
            touching = [*_touching(f"{module}:{name}", known), *_shown(module, name, known)]
            for call in touching:
                calls.setdefault(call.target, []).append(call)
            members = {(module, each) for each in both.base or () if each.startswith(f"{name}.")}
            changed[module, name] = frozenset({(module, name), *members, *(call.target for call in touching)})
    return Beyond(calls, changed)


class Wanted(NamedTuple):
    """Which calls of other modules matter: of what changed modules take from elsewhere by name, and of altered classes by address."""

    names: frozenset[str]
    classes: frozenset[str]


def wanted(modules: Modules) -> Wanted:
    """What matters of other modules, for changed ones by name."""
    names = {row.name for both in modules.values() for row in _rows(both)}
    classes = {f"{module}:{name}" for module, both in modules.items() for name in both.altered_classes[:MOST_CLASSES]}
    return Wanted(frozenset(names), frozenset(classes))


def _passed_on(module: str, both: Both, known: Known) -> Iterator[tuple[str, list[RecordedCall]]]:
    """Names that the base's module takes from others, each with the calls that were recorded there, as calls by way of this module."""
    rows = _rows(both)
    if not rows:
        return
    by_name: dict[str, list[Target]] = {}
    for target in known:
        by_name.setdefault(target[1].partition(".")[0], []).append(target)
    for row in rows:
        targets, places = by_name.get(row.name, []), row.places(module)
        tops = {place.partition(".")[0] for place in places}
        homes = sorted({home for home, _ in targets if home.partition(".")[0] in tops}, key=lambda home: (home not in places, home))
        found = [
            call._replace(module=module, name=here, defined=(module, here), passed=True)
            for target in targets
            if target[0] in homes[:1]
            for call in known[target]
            if call.module == target[0] and call.name.partition(".")[0] == row.name
            for here in [row.here + call.name[len(row.name) :]]
        ]
        if found or module.partition(".")[0] in tops:
            yield row.here, found


def _rows(both: Both) -> list[Imported]:
    """What the base's module takes from others and may not pass on as it did: all where it does other things on import."""
    imports = both.base[MODULE].imports if both.base is not None else ()
    return [row for row in imports if MODULE in both.changed or both.taken_over(row.here)]


def _touching(address: str, known: Known) -> Iterator[RecordedCall]:
    """Recorded calls that are given objects of a class, or make one; an address stands quoted in their texts."""
    module, _, name = address.partition(":")
    for calls in known.values():
        for call in calls:
            makes = call.module == module and call.name.rpartition(".")[0] == name
            if makes or f"'{address}'" in f"{call.args}{call.kwargs}{call.own}":
                yield call


def _shown(module: str, name: str, known: Known) -> Iterator[RecordedCall]:
    """Calls that make objects of a class as tests do, compare them with one another, count them by hash, and set an attribute."""
    address = f"{module}:{name}"
    made: dict[str, Any] = {}
    for call in _touching(address, known):
        for text in (call.args, call.kwargs, *([call.own] if call.own else [])):
            for found in _made(address, _value(text)):
                made.setdefault(repr(found), found)
        if call.module == module and call.name == f"{name}.__init__":
            found = (MADE, address, (_value(call.args), _value(call.kwargs)))
            made.setdefault(repr(found), found)
    for one in list(made.values())[:MOST_MADE]:
        args, kwargs = one[2]
        if "." not in name:
            yield RecordedCall(module, name, repr(args), repr(kwargs), None, (module, name), ours=True)
        several: Any = (MADE, "builtins:frozenset", (([one, one],), {}))
        yield RecordedCall("operator", "eq", repr((one, one)), "{}", None, (module, name), ours=True)
        yield RecordedCall("builtins", "len", repr((several,)), "{}", None, (module, name), ours=True)
        for field, value in list(kwargs.items())[:1]:
            yield RecordedCall("builtins", "setattr", repr((one, field, value)), "{}", None, (module, name), ours=True)


def _value(text: str) -> Any:
    try:
        return ast.literal_eval(text)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return ()


def _made(address: str, value: Any) -> Iterator[Any]:
    """The spelt objects of a class within a value."""
    if type(value) is tuple and value[:2] == (MADE, address):
        yield value
    if isinstance(value, (tuple, list, set)):
        for part in value:
            yield from _made(address, part)
    elif isinstance(value, dict):
        for pair in value.items():
            yield from _made(address, pair)
