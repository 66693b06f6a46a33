"""Which tests one process carries out: those that share a server would each start one of its own."""

from typing import Final

from xdist.scheduler import LoadScopeScheduling

_BY_FILE: Final = ("tests/api/", "tests/client/", "tests/dashboard/", "tests/forging/test_controls.py")
"""Where the tests of a file share a server, or what is measured of one base."""
_TOGETHER: Final = {
    "fleet": ("tests/fleet/",),
    "dashboard": tuple(f"tests/dashboard/test_{name}.py" for name in ("hostile", "journey", "looks")),
}
"""Files of which no two are to run at once: they share a browser and what it looks at, or fill the machine."""


class ByServer(LoadScopeScheduling):
    """Sends tests to processes one by one, but for those that belong together.

    By path, since the marker `xdist_group` does nothing with pytest 9.2 and xdist 3.8.
    """

    def _split_scope(self, nodeid: str) -> str:
        for name, places in _TOGETHER.items():
            if nodeid.startswith(places):
                return name
        return nodeid.partition("::")[0] if nodeid.startswith(_BY_FILE) else nodeid
