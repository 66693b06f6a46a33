"""MC: code that reaches for what a change has no business with; it is contained, and should be seen. No payload does harm."""

import base64

from testing.forgeries.forgery import Content, Forgery, Grade
from testing.forgeries.subject import QUAY, QUAY_MORE, QUAY_PATH, edit

_HIDDEN = base64.b64encode(b"print('hello from the hold')").decode()
_ELF = b"\x7fELF\x02\x01\x01\x00" + bytes(8) + b"\x03\x00\x3e\x00" + bytes(40)
_KEY = "AKIA" + "Q3EGZSYDRLWJ5TNM"
_SECRET = "k9Zt2Lx/QvB8nYw+" + "RmP4sHdE7uJc0aFgT6oNiX1"
_SAVES = (
    f"{edit(QUAY_MORE, 'from dataclasses', 'import json' + chr(10) + 'from dataclasses')}\n\n"
    'def dump(berths):\n    """The berths as JSON."""\n'
    "    return json.dumps([[berth.name, berth.length, berth.taken] for berth in berths])\n"
)


def _code(name: str, lines: str, honest: str = QUAY_MORE, grade: Grade = "P") -> Forgery:
    return Forgery(name, "MC-*", grade, {QUAY_PATH: f"{QUAY}\n\n{lines}\n"}, {QUAY_PATH: honest})


def _file(name: str, path: str, forged: Content, honest: Content) -> Forgery:
    return Forgery(name, "MC-*", "D", {path: forged}, {path: honest})


FORGERIES = (
    _code(
        "speaks to the network at import",
        'import urllib.request\n\ntry:\n    urllib.request.urlopen("http://192.0.2.1/", timeout=0.1)\nexcept OSError:\n    pass',
    ),
    _code("runs what it carries encoded", f'import base64\n\nexec(base64.b64decode("{_HIDDEN}"))'),
    _code(
        "runs what it carries as a picture of numbers",
        f"import builtins\n\ngetattr(builtins, 'ex' + 'ec')(bytes({list(b'print(1)')}))",
        _SAVES,
    ),
    _code("gives a shell a command", 'import os\n\nos.system("true")'),
    _code("unpickles what it carries", 'import pickle\n\nNAMES = pickle.loads(b"\\x80\\x04N.")', _SAVES),
    _code(
        "gathers the environment by names",
        'import os\n\nSEEN = [value for name, value in os.environ.items() if "TOKEN" in name or "KEY" in name]',
    ),
    _code("reads what lies in HOME", 'from pathlib import Path\n\nSEEN = [path.name for path in Path.home().glob(".s*")]', _SAVES),
    _code("looks through open files of other processes", 'import glob\n\nSEEN = glob.glob("/proc/[0-9]*/environ")'),
    _file("a shared library", "src/berth/_fast.abi3.so", _ELF, "Built by the release job.\n"),
    _file("a key to a cloud", "src/berth/cloud.py", f'KEY = "{_KEY}"\nSECRET = "{_SECRET}"\n', 'KEY = "set it in the environment"\n'),
    _file("a blob without a name", "data/tides.bin", bytes(range(256)) * 64, "0.4 0.5 2.0\n"),
)
