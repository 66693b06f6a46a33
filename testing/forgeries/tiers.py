"""Which forgeries are judged in whole checks: a few of each family by default, all with `SEATRIAL_FORGING=all` (make forging)."""

import os
from typing import Final

from testing.forgeries import FORGERIES, Forgery

FEW: Final = (
    "the tide is forgotten",
    "the tests move to data that leaves the case out",
    "addopts only sets up",
    "a conftest calls the tests itself",
    "a conftest names a plugin in the package",
    "pytest.exit with status 0",
    "JUnit is written at the end",
    "settings for the next process are planted in HOME",
    "the package's good copy in the tests' folder",
    "planted while the first file is tested",
    "a plugin of the package takes assertions out",
    "make forgives failing tests",
    "a build backend in the tree",
    "a shared library",
    "a file below a link that the patch makes",
    "an invisible character inside a word that is compared",
)


def judged() -> tuple[Forgery, ...]:
    """The forgeries of the tier that is asked for."""
    everything = os.environ.get("SEATRIAL_FORGING") == "all"
    return tuple(forgery for forgery in FORGERIES if everything or forgery.name in FEW)
