"""Which calls the functions that a change may alter are probed with: recorded ones first, their neighbours, and else literal defaults."""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from runner.controls.definitions import MODULE, Both, Definition
from runner.controls.spelling import spelt
from runner.model.value import Value
from runner.parsing import Source, parse

LONGEST = 4000
"""Characters of the arguments of one recorded call."""
NOTHING = "((), {})"
_INSIDE = Path(__file__).parent / "inside"
_BY_ANNOTATION = {
    "int": ("1", "0", "-3"),
    "float": ("1.5", "0.0", "-2.0"),
    "str": ("'a'", "''", "'Two words'"),
    "bytes": ("b'a'", "b''", "b'two words'"),
    "bool": ("True", "False", "True"),
    "list": ("[1, 2]", "[]", "[3, 1, 2]"),
    "Sequence": ("[1, 2]", "[]", "[3, 1, 2]"),
    "Iterable": ("[1, 2]", "[]", "[3, 1, 2]"),
    "tuple": ("(1, 2)", "()", "(3, 1, 2)"),
    "dict": ("{'a': 1}", "{}", "{'b': 2, 'a': 1}"),
    "Mapping": ("{'a': 1}", "{}", "{'b': 2, 'a': 1}"),
    "set": ("{1, 2}", "{3}", "{1, 2, 3}"),
    "list[str]": ("['a', 'b']", "[]", "['b']"),
    "Sequence[str]": ("['a', 'b']", "[]", "['b']"),
    "Iterable[str]": ("['a', 'b']", "[]", "['b']"),
}
_GUESSES = ("int", "str", "list", "dict", "list[str]")
"""What parameters without annotation are tried with, all alike; calls that the base answers by TypeError prove nothing and are dropped."""
_TRIES = 3


class RecordedCall(NamedTuple):
    """A call that the base's suite made, in literal texts: a tuple, a dictionary and, for methods, a pair of both for the constructor."""

    module: str
    name: str
    """Qualified, such as `f`, `Class.method` or `Class.__init__`, as it is reached in the module."""
    args: str
    kwargs: str
    own: str | None = None
    defined: tuple[str, str] | None = None
    """Module and qualified name of the definition, where it is inherited."""

    @property
    def target(self) -> tuple[str, str]:
        """Where the function is defined."""
        return self.defined or (self.module, self.name)


class Call(Value):
    """One call to make on both trees."""

    module: str
    name: str
    args: str
    kwargs: str
    own: str | None = None
    origin: Literal["recorded", "neighbour", "default"]
    target: tuple[str, str]
    """Module and qualified name of the function whose behaviour it shows."""

    @property
    def item(self) -> Mapping[str, object]:
        """As the program inside takes it."""
        return {"module": self.module, "name": self.name, "args": self.args, "kwargs": self.kwargs, "self": self.own}

    @property
    def text(self) -> str:
        """As source text for people; hostile."""
        own = f" of an object made with {spelt(self.own)}" if self.own not in (None, NOTHING) else ""
        return f"{self.module}.{self.name}{spelt(f'({self.args}, {self.kwargs})')}{own}"


class Few(Value):
    """How many calls are made."""

    recorded: int = 30
    """Recorded calls of one function."""
    neighbours: int = 30
    """Neighbours of the recorded calls of one function."""
    most: int = 1500
    """All calls together; each function keeps its first."""


class Planned(NamedTuple):
    """The calls, and the changed functions, each with those whose calls show its behaviour: itself and, for a private one, its users."""

    calls: tuple[Call, ...]
    changed: Mapping[tuple[str, str], frozenset[tuple[str, str]]]


def plan(modules: Mapping[str, Both], recorded: Iterable[RecordedCall], few: Few, seed: str) -> Planned:
    """The calls for the functions of changed modules, by module name; the same for the same arguments."""
    known: dict[tuple[str, str], dict[RecordedCall, None]] = {}
    for call in recorded:
        if sum(map(len, (call.args, call.kwargs, call.own or ""))) <= LONGEST:
            known.setdefault(call.target, {})[call] = None
    meant = [(module, name) for module, both in modules.items() for name in (*both.meant, *both.gone)]
    taken = {target: _spread([*known.get(target, ())], few.recorded) for target in meant}
    found = _with_neighbours(taken, few.neighbours, seed)
    for module, name in meant:
        if not found.get((module, name)) and name in modules[module].shared:
            found[module, name] = _defaults(module, name, modules[module], known)
    return Planned(_bounded([found.get(target, []) for target in meant], few.most), _changed(modules))


def _changed(modules: Mapping[str, Both]) -> Mapping[tuple[str, str], frozenset[tuple[str, str]]]:
    found = {}
    for module, both in modules.items():
        if both.base is None and both.patched is None:  # it could not be parsed
            found[module, MODULE] = frozenset[tuple[str, str]]()
        for name in both.gone:
            if both.base is not None and both.base[name].public:
                found[module, name] = frozenset({(module, name)})
        for name in both.changed:
            if name in both.shared and both.base is not None:
                others = () if both.base[name].public else both.users(name)
                found[module, name] = frozenset((module, other) for other in (name, *others))
    return found


def _spread(calls: Sequence[RecordedCall], most: int) -> list[RecordedCall]:
    """At most `most`, from the beginning to the end."""
    return [calls[at * len(calls) // most] for at in range(most)] if len(calls) > most else list(calls)


def _with_neighbours(taken: Mapping[tuple[str, str], list[RecordedCall]], most: int, seed: str) -> dict[tuple[str, str], list[Call]]:
    """Recorded calls that are literal, and neighbours of each; they are read in a child with limits, since their texts came from inside."""
    groups = {
        (target, call.module, call.name, call.own): [
            other for other in calls if (other.module, other.name, other.own) == (*call[:2], call.own)
        ]
        for target, calls in taken.items()
        for call in calls
    }
    share = {
        target: max(1, most // len({(c.module, c.name, c.own) for c in calls} or {0})) if most else 0 for target, calls in taken.items()
    }
    asked = [
        {"seed": seed, "most": share[group[0]], "calls": [[".".join(group[1:3]), [[call.args, call.kwargs] for call in calls]]]}
        for group, calls in groups.items()
    ]
    answers = parse([Source("neighbours:around", json.dumps(each).encode()) for each in asked], _INSIDE)
    found: dict[tuple[str, str], list[Call]] = {}
    for (group, calls), answer in zip(groups.items(), answers, strict=True):
        (told,) = json.loads(answer.data) if answer.state == "fine" else [{"literal": [], "neighbours": []}]
        target, module, name, own = group
        literal = [(call.args, call.kwargs) for call, sound in zip(calls, told["literal"], strict=False) if sound]
        pairs = [("recorded", pair) for pair in literal] + [("neighbour", tuple(pair)) for pair in told["neighbours"]]
        made = [_call(target, (module, name, own), pair, origin) for origin, pair in pairs]
        found.setdefault(target, []).extend(made)
    return {target: sorted(calls, key=lambda call: call.origin != "recorded") for target, calls in found.items()}


def _call(target: tuple[str, str], reached: tuple[str, str, str | None], pair: tuple[str, ...], origin: str) -> Call:
    module, name, own = reached
    return Call.model_validate(
        {"module": module, "name": name, "args": pair[0], "kwargs": pair[1], "own": own, "origin": origin, "target": target}
    )


def _defaults(module: str, name: str, both: Both, known: Mapping[tuple[str, str], Iterable[RecordedCall]]) -> list[Call]:
    """Calls of a function without records: without arguments, or with small literals by annotation."""
    if both.base is None or name.count(".") > 1 or "<" in name:
        return []
    definition = both.base[name]
    is_bound = definition.kind in ("method", "property") and not name.endswith(".__init__")
    owns = list(_owns(module, name, both, known))[:1] if is_bound else [None]
    pairs = [("()", "{}")] if definition.kind == "property" else _filled(definition)
    return [_call((module, name), (module, name, own), pair, "default") for own in owns for pair in pairs]


def _owns(module: str, name: str, both: Both, known: Mapping[tuple[str, str], Iterable[RecordedCall]]) -> Iterable[str | None]:
    """Arguments for the constructor of a method's class: recorded ones, else literals."""
    init = f"{name.rpartition('.')[0]}.__init__"
    yield from (f"({call.args}, {call.kwargs})" for call in known.get((module, init), ()))
    made = both.base.get(init) if both.base is not None else None
    yield from (f"({args}, {kwargs})" for args, kwargs in (_filled(made) if made is not None else [("()", "{}")]))


def _filled(definition: Definition) -> list[tuple[str, str]]:
    """Literal arguments for all parameters that must be given."""
    needed = definition.parameters[1:] if definition.kind in ("method", "class method") else definition.parameters
    kinds = [_kind(parameter.annotation) for parameter in needed]
    if not needed:
        return [("()", "{}")]
    if all(kinds):
        choices = [[_BY_ANNOTATION[kind][(turn + at) % _TRIES] for at, kind in enumerate(kinds)] for turn in range(_TRIES)]
        choices.append([_BY_ANNOTATION[kind][0] for kind in kinds])
    elif any(parameter.annotation for parameter in needed):
        return []
    else:
        choices = [[_BY_ANNOTATION[guess][turn]] * len(needed) for guess in _GUESSES for turn in range(_TRIES)]
    found = []
    for values in choices:
        args = [value for parameter, value in zip(needed, values, strict=True) if not parameter.named]
        kwargs = [f"{parameter.name!r}: {value}" for parameter, value in zip(needed, values, strict=True) if parameter.named]
        found.append((f"({''.join(value + ', ' for value in args)})", f"{{{', '.join(kwargs)}}}"))
    return list(dict.fromkeys(found))


def _kind(annotation: str) -> str:
    """The key of the literals for an annotation; empty where there are none."""
    plain = annotation.strip("'\"").replace("typing.", "").replace("collections.abc.", "").removeprefix("Optional[").removesuffix(" | None")
    named = {"List": "list", "Dict": "dict", "Tuple": "tuple", "Set": "set"}
    head = plain.partition("[")[0].rstrip("]")
    whole = plain.replace("List[", "list[").rstrip("]") + "]"
    return whole if whole in _BY_ANNOTATION else next((key for key in (head, named.get(head, "")) if key in _BY_ANNOTATION), "")


def _bounded(lists: Sequence[Sequence[Call]], most: int) -> tuple[Call, ...]:
    """At most `most` calls, each once; each list keeps its first ones."""
    shares, left = [0] * len(lists), most
    while left > 0 and (open_lists := [at for at, calls in enumerate(lists) if shares[at] < len(calls)]):
        for at in open_lists[:left]:
            shares[at] += 1
        left -= min(left, len(open_lists))
    return tuple(dict.fromkeys(call for at, calls in enumerate(lists) for call in calls[: shares[at]]))
