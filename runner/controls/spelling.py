"""Objects that the recording has spelt as literals, written for people."""

import ast

_MADE, _NAMED = "\0made", "\0named"
_MADE_PARTS = 3


def spelt(text: str) -> str:
    """A pair of positional and named arguments as they stand in a call: `(Berth('A', 12.0), taken=True)`; hostile, as the text is."""
    try:
        args, kwargs = ast.literal_eval(text)
        return _call(args, kwargs)
    except (ValueError, TypeError, SyntaxError, AttributeError, MemoryError, RecursionError):  # guesses of ours are expressions
        return text


def _call(args: object, kwargs: object) -> str:
    if not isinstance(args, tuple) or not isinstance(kwargs, dict):
        raise TypeError
    return f"({', '.join([*map(_value, args), *(f'{name}={_value(part)}' for name, part in kwargs.items())])})"


def _value(value: object) -> str:
    if isinstance(value, tuple) and value[:1] == (_NAMED,):
        return str(value[1]).partition(":")[2]
    if isinstance(value, tuple) and value[:1] == (_MADE,) and len(value) == _MADE_PARTS:
        return f"{str(value[1]).partition(':')[2]}{_call(*value[2])}"
    if isinstance(value, list):
        return f"[{', '.join(map(_value, value))}]"
    if isinstance(value, tuple):
        return f"({', '.join(map(_value, value))}{',' if len(value) == 1 else ''})"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{_value(key)}: {_value(part)}' for key, part in value.items())}}}"
    return repr(value)
