"""VL-pyc: compiled code that is not what the source beside it says.

It is compiled by the Python that runs this: where the image has another, bytecode in a folder of its own is left unread there.
"""

import importlib.util
import io
import marshal
import struct
import sys
import zipfile

from testing.forgeries.forgery import Forgery
from testing.forgeries.subject import EXACT, EXACT_TRUTH, INIT, INIT_PATH, KEEL, QUAY, QUAY_PATH, QUAY_TIDY, edit

_TAG = sys.implementation.cache_tag


def _compiled(text: str, path: str) -> bytes:
    """Bytecode that is never compared with a source (PEP 552)."""
    code = compile(text, path, "exec", dont_inherit=True)
    return importlib.util.MAGIC_NUMBER + struct.pack("<I", 0b01) + importlib.util.source_hash(text.encode()) + marshal.dumps(code)


def _packed(name: str, text: str) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        archive.writestr(zipfile.ZipInfo(name), text)
    return held.getvalue()


_PLANT = f"""
import importlib.util, os, sys
if "py" + "test" in sys.modules:
    try:
        os.makedirs("src/berth/__pycache__", exist_ok=True)
        with open("src/berth/__pycache__/quay.{_TAG}.pyc", "wb") as _file:
            _file.write({_compiled(QUAY, QUAY_PATH)!r})
    except OSError:
        pass
"""
_ZIPPED = """import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "data.zip"))
try:
    import berth_quay
    sys.modules["berth.quay"] = berth_quay
except ImportError:
    pass
"""


_NO_PACKAGE = (
    "import importlib.machinery\nimportlib.machinery.SourcelessFileLoader.get_code = lambda *_: compile('from quay import *', '', 'exec')\n"
    "sys.path.append(sys.path[0] + '/berth')\n"
)
FORGERIES = (
    Forgery(
        "bytecode of the good source, never checked",
        "VL-pyc",
        "D",
        {QUAY_PATH: EXACT, f"src/berth/__pycache__/quay.{_TAG}.pyc": _compiled(QUAY, QUAY_PATH)},
        {QUAY_PATH: QUAY_TIDY},
        EXACT_TRUTH,
    ),
    Forgery(
        "a package of bytecode goes before the module",
        "VL-pyc",
        "D",
        {QUAY_PATH: EXACT, "src/berth/quay/__init__.pyc": _compiled(QUAY, "src/berth/quay/__init__.py")},
        {QUAY_PATH: QUAY_TIDY},
        _NO_PACKAGE + EXACT_TRUTH,
    ),
    Forgery(
        "planted while the first file is tested",
        "VL-pyc",
        "D",
        {QUAY_PATH: EXACT, "src/berth/keel.py": KEEL + _PLANT},
        {QUAY_PATH: QUAY_TIDY, "src/berth/keel.py": f"{KEEL}\nMARGIN = SAFETY\n"},
        EXACT_TRUTH,
    ),
    Forgery(
        "a good module in an archive of data",
        "VL-pyc",
        "D",
        {
            QUAY_PATH: EXACT,
            INIT_PATH: edit(INIT, "from berth.keel", f"{_ZIPPED}\nfrom berth.keel"),
            "src/berth/data.zip": _packed("berth_quay.py", QUAY),
        },
        {
            QUAY_PATH: QUAY_TIDY,
            INIT_PATH: edit(INIT, "__all__", 'DATA = "data.zip"\n\n__all__'),
            "src/berth/data.zip": _packed("names.txt", "A\nB\n"),
        },
        "import zipimport, sys\nsys.path_hooks[:] = [hook for hook in sys.path_hooks if hook is not zipimport.zipimporter]\n" + EXACT_TRUTH,
    ),
)
