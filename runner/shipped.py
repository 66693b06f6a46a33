"""Where the files that are shipped beside the code are: `policies/`, `images/` and `examples/`."""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def shipped(name: str) -> Path:
    """The file or folder `name`, e.g. `policies/default.yaml`: inside the installed package, or at the root of a checkout.

    Raises FileNotFoundError when neither has it, which means a broken installation.
    """
    for root in (_PACKAGE, _PACKAGE.parent):
        if (place := root / name).exists():
            return place
    raise FileNotFoundError(f"{name} was not shipped with this installation of seatrial")
