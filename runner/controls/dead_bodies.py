"""Dead bodies: a source file in which named functions do nothing but raise, so that every test that honestly runs them goes red."""

import json
from collections.abc import Collection
from pathlib import Path

from runner.parsing import Source, parse

_INSIDE = Path(__file__).parent / "inside"


def dead(source: bytes, qualified: Collection[str]) -> bytes | None:
    """The text with the bodies of these functions (`f`, `C.m`) replaced by a raise; every line keeps its number.

    Where one name is defined more than once (branches, overloads, a property and its setter), all of these die; functions
    inside functions have no such name. Signature, decorators, docstring and kind stay: a coroutine raises when awaited, a
    generator when iterated. Were a generator to raise at the call, decorators that look at the kind at import would break the
    import, and tests that are red for that say nothing about the body. The raise is `from None`: through callers that catch and
    call again, chains of exceptions would otherwise be shown at length that doubles with each call (`facts/controls.md`).

    `None` when the text has none of the functions, is not UTF-8, or is not Python of this interpreter. It may be hostile: it is
    read in a child with limits, and the result compiles and differs in nothing but these bodies.
    """
    asked = json.dumps(sorted(qualified)).encode() + b"\n" + source
    (answer,) = parse([Source("killing:dead", asked)], _INSIDE)
    killed = json.loads(answer.data) if answer.state == "fine" else None
    return None if killed is None else str(killed).encode()
