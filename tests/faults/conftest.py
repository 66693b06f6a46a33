"""What the fault tests share: a bench of their own, and a place where their counts are written down."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from testing.faults.cases import Bench, Outcome
from testing.faults.nursery import ROOT, Nursery
from testing.faults.scenarios import unmount_all

FAR = os.environ.get("SEATRIAL_FAULTS") == "all"
"""Whether the long tiers run."""


@pytest.fixture(scope="session")
def bench() -> Iterator[Bench]:
    """A zygote and a folder for the worlds of all tests of this process; the folder stays when something did not hold."""
    folder = Path(tempfile.mkdtemp(prefix="seatrial-faults-"))
    with Nursery() as nursery:
        yield Bench(nursery, folder)
    unmount_all(folder)
    for name in ("record", "firsts"):
        shutil.rmtree(folder / name, ignore_errors=True)
    if not any(folder.iterdir()):
        folder.rmdir()
    elif os.environ.get("SEATRIAL_KEEP") != "1":
        shutil.rmtree(folder)


@pytest.fixture
def counted(record_property: Callable[[str, object], None]) -> Callable[[str, Sequence[Outcome]], None]:
    """Write down how many cases there were and what did not hold, and fail when something did not."""

    def count(what: str, outcomes: Sequence[Outcome]) -> None:
        bad = [outcome for outcome in outcomes if outcome.violations]
        line = f"{what}: {len(outcomes) - len(bad)} of {len(outcomes)} cases, {sum(len(outcome.violations) for outcome in bad)} violations"
        told(line)
        record_property("faults", line)
        if bad:
            pytest.fail(f"{line}\n\n" + "\n\n".join(str(outcome)[:6000] for outcome in bad[:8]), pytrace=False)

    return count


def told(line: str) -> None:
    """Into the output of the test, and into `out/faults.txt`."""
    print(line)  # noqa: T201 - into the output of the test
    folder = ROOT / "out"
    folder.mkdir(exist_ok=True)
    with (folder / "faults.txt").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.write(f"{line}\n")
