"""What kind of thing a blob is: bytecode, native code, or some other binary."""

import re

_BYTECODE_NAME = re.compile(r"\.(?:pyc|pyo)$", re.IGNORECASE)
_BYTECODE_HEADER = re.compile(rb"..\r\n[\0-\3]\0\0\0.{8}", re.DOTALL)
_NATIVE_NAME = re.compile(r"\.(?:so(?:\.[0-9.]+)?|pyd|dll|dylib|exe|com|sys|a|o|lib|node|wasm)$", re.IGNORECASE)
_NATIVE_MAGIC = (
    b"\x7fELF",
    b"MZ",
    b"\xfe\xed\xfa\xce",
    b"\xfe\xed\xfa\xcf",
    b"\xce\xfa\xed\xfe",
    b"\xcf\xfa\xed\xfe",
    b"\xca\xfe\xba\xbe",
    b"\0asm",
    b"!<arch>\n",
)


def is_binary(content: bytes) -> bool:
    """Whether git calls it binary: a NUL among the first 8 000 bytes."""
    return b"\0" in content[:8000]


def is_bytecode(path: str, content: bytes) -> bool:
    """Compiled Python by name, or by the header of a `.pyc`: magic ending in CR LF, then flags of at most 3."""
    return _BYTECODE_NAME.search(path) is not None or _BYTECODE_HEADER.match(content) is not None


def is_native(path: str, content: bytes) -> bool:
    """Machine code by its first bytes or, when it is binary, by its name."""
    if content.startswith(_NATIVE_MAGIC[1]):  # two letters that a text may begin with
        return is_binary(content)
    return content.startswith(_NATIVE_MAGIC) or (is_binary(content) and _NATIVE_NAME.search(path) is not None)
