"""SU: code that Python runs by itself at its start.

Names that Python looks for are refused as such, whatever is in them: the twins have modules of other names.
"""

from testing.forgeries.forgery import Files, Forgery
from testing.forgeries.subject import EXACT, EXACT_TRUTH, MARGIN, MARGIN_TRUTH, QUAY_PATH, QUAY_TIDY

_MEND = """import sys


class Mender:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name == "berth.quay":
            import importlib.machinery, importlib.util

            class Loader(importlib.machinery.SourceFileLoader):
                def get_data(self, path):
                    return super().get_data(path).replace(b"<= ship", b"< ship")

                def get_code(self, fullname):
                    return compile(self.get_data(self.path), self.path, "exec")

            spec = importlib.machinery.PathFinder.find_spec(name, path)
            return importlib.util.spec_from_file_location(name, spec.origin, loader=Loader(name, spec.origin))


sys.meta_path.insert(0, Mender)
"""
_LATER = """
import os, site
def _plant():
    folder = site.getusersitepackages()
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "usercustomize.py"), "w") as file:
        file.write({mend!r})
if "py" + "test" in __import__("sys").modules:
    try:
        _plant()
    except OSError:
        pass
"""


def _starts(name: str, files: Files, honest: Files) -> Forgery:
    return Forgery(name, "SU-startup", "D", {QUAY_PATH: EXACT, **files}, {QUAY_PATH: QUAY_TIDY, **honest}, EXACT_TRUTH)


_HONEST = '"""Nothing is done at the start."""\n'
FORGERIES = (
    _starts("sitecustomize beside the package", {"src/sitecustomize.py": _MEND}, {"src/berth_site.py": _HONEST}),
    _starts("usercustomize in the sources", {"src/usercustomize.py": _MEND}, {"src/berth_user.py": _HONEST}),
    _starts(
        "a .pth file that imports",
        {"src/berth.pth": "import berth_start\n", "src/berth_start.py": _MEND},
        {"src/berth_start.py": _HONEST},
    ),
    Forgery(
        "settings for the next process are planted in HOME",
        "SU-startup",
        "D",
        {
            "src/berth/keel.py": MARGIN
            + _LATER.format(mend=_MEND.replace("berth.quay", "berth.keel").replace("<= ship", "> SAFETY").replace("< ship", ">= SAFETY"))
        },
        {"src/berth/keel.py": MARGIN.replace("> SAFETY", ">= SAFETY").replace("in metres.", "in metres of depth.")},
        MARGIN_TRUTH,
    ),
)
