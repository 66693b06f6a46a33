"""Makes the base image that sandboxes are built on, unless the engine has it already."""

import sys

from runner.errors import SeatrialError
from runner.sandbox.engine import Engine
from runner.sandbox.image.base import AUTO, ensure_base
from runner.sandbox.image.made import Yard
from runner.store.places import claim, places


def main() -> int:
    """Say how the base image came about; exit status 4 when none can be had."""
    try:
        yard = Yard(Engine(), claim(places().cache), lambda text: print(f"image: {text}", file=sys.stderr))
        print(ensure_base(yard, AUTO).note)
    except SeatrialError as problem:
        print(f"image: {problem}\n{problem.hint}", file=sys.stderr)
        return 4
    return 0


if __name__ == "__main__":
    sys.exit(main())
