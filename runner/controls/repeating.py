"""Turns calls as a recording run on the base tells them into calls that a plain interpreter can repeat."""

import ast
from collections.abc import Iterator, Mapping

from runner.controls.calls import RecordedCall
from runner.controls.recorded import Call, Function, Recording


def recorded_calls(recording: Recording, modules: Mapping[str, str]) -> Iterator[RecordedCall]:
    """The recording's calls of functions in `modules`, which are names by path; the recording's reader has seen that all are literal."""
    for call in recording.calls:
        function = recording.functions[call.function]
        if function.path in modules:
            yield _repeated(call, function, modules[function.path])


def _repeated(call: Call, function: Function, module: str) -> RecordedCall:
    args, kwargs = ast.literal_eval(call.arguments)
    owner, _, cls = (call.owner or "").partition(":")
    name = f"{cls}.{function.name.rpartition('.')[2]}" if cls else function.name
    return RecordedCall(owner or module, name, repr(args), repr(kwargs), call.made, (module, function.name))
