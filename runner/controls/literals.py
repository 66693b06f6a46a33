"""Literal arguments for functions whose calls nobody recorded, by what their parameters are annotated with."""

from runner.controls.definitions import Definition

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


def filled(definition: Definition) -> list[tuple[str, str]]:
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
