"""Makes the support module beside this file importable, and its fixtures known."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from whole_support import berth, diff, judged, seatrial  # noqa: E402, F401  fixtures
