"""Two threads may need the record first, at nearly the same time."""

import subprocess
import sys
from pathlib import Path

import pytest

_WHILE_ANOTHER_LOADS = """
import sys, threading
from pathlib import Path
from runner.store import library
from runner.store.ledger import SqlLedger
from runner.store.runs import SqlRuns
class Run: id = "run"
def use(which):
    try:
        if which == "ledger":
            with SqlLedger(Path(sys.argv[1])).writing():
                pass
        else:
            getattr(SqlRuns(Path(sys.argv[1])), which)(*(Run, "{}", {})[: 1 if which == "begin" else 3])
    except AttributeError:
        pass  # that is no run
thread = threading.Thread(target=use, args=(sys.argv[2],))
with library.ONE_AT_A_TIME:
    thread.start()
    thread.join(0.2)
    print("waits" if thread.is_alive() and "sqlalchemy" not in sys.modules else "does not wait")
thread.join()
print("sqlalchemy" in sys.modules)
"""


@pytest.mark.parametrize("which", ["ledger", "begin", "finish"])
def test_a_thread_that_needs_the_library_waits_until_another_has_loaded_all_of_it(which: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _WHILE_ANOTHER_LOADS, tmp_path / "state", which], capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.stderr) == ("waits\nTrue\n", "")
