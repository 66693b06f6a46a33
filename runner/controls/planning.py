"""Which calls the functions that a change may alter are probed with: recorded ones first, their neighbours, and else literal defaults."""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from runner.controls.beyond import beyond
from runner.controls.calls import Call, Few, Planned, RecordedCall, Target
from runner.controls.definitions import MODULE, Both
from runner.controls.literals import filled
from runner.parsing import Source, parse

LONGEST = 4000
"""Characters of the arguments of one recorded call."""
FEWER = 4
"""So many times fewer calls are made of what a module passes on."""
_INSIDE = Path(__file__).parent / "inside"


def plan(modules: Mapping[str, Both], recorded: Iterable[RecordedCall], few: Few, seed: str) -> Planned:
    """The calls for what changed modules may do otherwise, by module name; the same for the same arguments.

    `recorded` are calls of these modules' functions, and those of others that `beyond.wanted` names.
    """
    known: dict[Target, dict[RecordedCall, None]] = {}
    for call in recorded:
        if sum(map(len, (call.args, call.kwargs, call.own or ""))) <= LONGEST:
            known.setdefault(call.target, {})[call] = None
    meant = [(module, name) for module, both in modules.items() for name in (*both.meant, *both.gone)]
    more = beyond(modules, known)
    taken = {target: _spread([*known.get(target, ())], few.recorded) for target in meant}
    for target, calls in more.calls.items():
        most = few.recorded // FEWER if calls[0].passed else few.recorded
        taken[target] = _spread([*dict.fromkeys((*taken.get(target, ()), *calls))], most)
    found = _with_neighbours(taken, modules, few.neighbours, seed)
    for module, name in meant:
        if not found.get((module, name)) and name in modules[module].shared:
            found[module, name] = _defaults(module, name, modules[module], known)
    return Planned(_bounded([found.get(target, []) for target in (*meant, *more.calls)], few.most), {**_changed(modules), **more.changed})


def plan_further(calls: Iterable[RecordedCall], few: Few, seed: str) -> tuple[Call, ...]:
    """These calls of functions that were not changed, as far as they are literals, and neighbours of them."""
    taken: dict[Target, list[RecordedCall]] = {}
    for call in calls:
        taken.setdefault(call.target, []).append(call)
    return _bounded([*_with_neighbours(taken, {}, few.neighbours, seed).values()], few.most)


def _changed(modules: Mapping[str, Both]) -> Mapping[Target, frozenset[Target]]:
    found = {}
    for module, both in modules.items():
        if both.base is None and both.patched is None:  # it could not be parsed
            found[module, MODULE] = frozenset[Target]()
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


def _with_neighbours(
    taken: Mapping[Target, list[RecordedCall]], modules: Mapping[str, Both], most: int, seed: str
) -> dict[Target, list[Call]]:
    """Recorded calls that are literal, and neighbours of each; they are read in a child with limits, since their texts came from inside."""
    groups = {
        (target, call.module, call.name, call.own): [
            other for other in calls if (other.module, other.name, other.own) == (*call[:2], call.own)
        ]
        for target, calls in taken.items()
        for call in calls
    }
    share = {
        target: max(1, _most(calls, most) // len({(*call[:2], call.own) for call in calls} or {0})) if most else 0
        for target, calls in taken.items()
    }
    floats = _floats(modules)
    asked = [
        {
            "seed": seed,
            "most": share[target],
            "name": f"{module}.{name}",
            "calls": [[call.args, call.kwargs] for call in calls],
            "parameters": _parameters(target, name, modules),
            "floats": floats,
        }
        for (target, module, name, _), calls in groups.items()
    ]
    answers = parse([Source("neighbours:around", json.dumps(each).encode()) for each in asked], _INSIDE)
    found: dict[Target, list[Call]] = {}
    for (group, calls), answer in zip(groups.items(), answers, strict=True):
        told = json.loads(answer.data) if answer.state == "fine" else {"literal": [], "neighbours": [], "retyped": []}
        target, module, name, own = group
        literal = [call for call, sound in zip(calls, told["literal"], strict=False) if sound]
        pairs = [("neighbour" if call.ours else "recorded", (call.args, call.kwargs)) for call in literal]
        pairs += [(kind.removesuffix("s"), tuple(pair)) for kind in ("neighbours", "retyped") for pair in told[kind]]
        made = [_call(target, (module, name, own), pair, origin) for origin, pair in pairs]
        passed = any(call.passed for call in calls)
        found.setdefault(target, []).extend(call.model_copy(update={"passed": passed}) for call in made)
    return {target: sorted(calls, key=lambda call: call.origin != "recorded") for target, calls in found.items()}


def _most(calls: Sequence[RecordedCall], most: int) -> int:
    """How many neighbours of these calls; a name that is passed on is mostly what it was."""
    return most // FEWER if any(call.passed for call in calls) else most


def _parameters(target: Target, name: str, modules: Mapping[str, Both]) -> list[tuple[str, str]]:
    """Names and annotations of the positional arguments that a call must give; without names where nobody is to call it by name."""
    base = modules[target[0]].base if target[0] in modules else None
    definition = (base or {}).get(target[1])
    if definition is None or name.rpartition(".")[2] != target[1].rpartition(".")[2]:
        return []
    first = 1 if definition.kind in ("method", "class method") else 0
    return [(each.name if definition.public else "", each.annotation) for each in definition.parameters[first:] if not each.named]


def _floats(modules: Mapping[str, Both]) -> dict[str, list[str]]:
    """By address of a class, its fields that are annotated as `float`."""
    return {
        f"{module}:{name}": [field.name for field in found.parameters if "float" in field.annotation]
        for module, both in modules.items()
        for name, found in (both.base or {}).items()
        if found.kind == "class"
    }


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
    pairs = [("()", "{}")] if definition.kind == "property" else filled(definition)
    return [_call((module, name), (module, name, own), pair, "default") for own in owns for pair in pairs]


def _owns(module: str, name: str, both: Both, known: Mapping[tuple[str, str], Iterable[RecordedCall]]) -> Iterable[str | None]:
    """Arguments for the constructor of a method's class: recorded ones, else literals."""
    init = f"{name.rpartition('.')[0]}.__init__"
    yield from (f"({call.args}, {call.kwargs})" for call in known.get((module, init), ()))
    made = both.base.get(init) if both.base is not None else None
    yield from (f"({args}, {kwargs})" for args, kwargs in (filled(made) if made is not None else [("()", "{}")]))


def _bounded(lists: Sequence[Sequence[Call]], most: int) -> tuple[Call, ...]:
    """At most `most` calls, each once; each list keeps its first ones."""
    shares, left = [0] * len(lists), most
    while left > 0 and (open_lists := [at for at, calls in enumerate(lists) if shares[at] < len(calls)]):
        for at in open_lists[:left]:
            shares[at] += 1
        left -= min(left, len(open_lists))
    return tuple(dict.fromkeys(call for at, calls in enumerate(lists) for call in calls[: shares[at]]))
