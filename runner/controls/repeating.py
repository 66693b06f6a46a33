"""Turns calls as a recording run on the base tells them into calls that a plain interpreter can repeat."""

import ast
from collections.abc import Iterator, Mapping

from runner.controls.beyond import Wanted
from runner.controls.calls import RecordedCall
from runner.controls.recorded import Call, Function, Recording

MOST_OF_ONE = 3
"""Calls of one function among those of many."""


def recorded_calls(recording: Recording, modules: Mapping[str, str], wanted: Wanted | None = None) -> Iterator[RecordedCall]:
    """The recording's calls of functions in `modules`, which are names by path; the recording's reader has seen that all are literal.

    `wanted`: only those of what is named there, or that are given one of its objects.
    """
    for call in recording.calls:
        function = recording.functions[call.function]
        if function.path in modules and (wanted is None or _matters(call, function, wanted)):
            yield _repeated(call, function, modules[function.path])


def quick_calls(recording: Recording, modules: Mapping[str, str], most: int, seconds: float) -> list[RecordedCall]:
    """At most `most` calls of functions in `modules`, a few of each, those of quick tests first: together no more than `seconds`."""
    rows = []
    for (path, name), calls in recording.calls_by_function.items():
        tests = recording.tests_by_function.get((path, name), frozenset())
        quickest = min((recording.seconds[test] for test in tests if test in recording.seconds), default=seconds)
        if path in modules:
            rows.append((quickest, path, name, calls[:MOST_OF_ONE]))
    rows.sort()
    found: list[RecordedCall] = []
    left = seconds
    for depth in range(MOST_OF_ONE):
        for quickest, path, _, calls in rows:
            if depth < len(calls) and quickest <= left and len(found) < most:
                left -= quickest
                found.append(_repeated(calls[depth], recording.functions[calls[depth].function], modules[path]))
    return found


def _matters(call: Call, function: Function, wanted: Wanted) -> bool:
    if function.name.partition(".")[0] in wanted.names or call.owner in wanted.classes:
        return True
    text = f"{call.arguments}{call.made}"
    return r"\x00made" in text and any(f"'{each}'" in text for each in wanted.classes)


def _repeated(call: Call, function: Function, module: str) -> RecordedCall:
    args, kwargs = ast.literal_eval(call.arguments)
    owner, _, cls = (call.owner or "").partition(":")
    name = f"{cls}.{function.name.rpartition('.')[2]}" if cls else function.name
    return RecordedCall(owner or module, name, repr(args), repr(kwargs), call.made, (module, function.name))
