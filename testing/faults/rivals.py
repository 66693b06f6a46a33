"""What somebody else does to a target while a run is on its way to it."""

import os
import subprocess
from pathlib import Path
from typing import Final

_EDIT: Final = 'echo theirs > "$0"/a.txt'
_REPLACE: Final = 'cp -a "$0" "$0".other && echo theirs > "$0".other/data/theirs && mv "$0" "$0".old && mv "$0".other "$0"'
_COMMIT: Final = (
    'git -C "$0" update-ref refs/heads/main '
    '"$(git -C "$0" -c user.name=B -c user.email=b@example.org commit-tree -p main -m theirs main^{tree})"'
)
_ELSEWHERE: Final = (
    'git -C "$0" update-ref refs/heads/main "$(git -C "$0" -c user.name=B -c user.email=b@example.org commit-tree -m theirs main^{tree})"'
)
SCRIPTS: Final = {"git.ref.before": _COMMIT, "promote.swapped": _ELSEWHERE, "folder.carried.last": _EDIT, "folder.swap.before": _REPLACE}
"""By the marker at which it happens."""


def rival(marker: str, world: Path) -> None:
    """Let it happen to the target of a world."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    subprocess.run(["sh", "-ec", SCRIPTS[marker], str(world / "site" / "app")], env=own, check=True, capture_output=True)


def is_kept(marker: str, world: Path) -> bool:
    """Whether what they did is still there."""
    target = world / "site" / "app"
    if marker == "git.ref.before":
        said = subprocess.run(["git", "-C", str(target), "log", "--format=%s", "main"], check=True, capture_output=True).stdout
        return b"theirs" in said.split(b"\n")
    place = target / ("a.txt" if marker == "folder.carried.last" else "data/theirs")
    return place.exists() and place.read_text() == "theirs\n"
