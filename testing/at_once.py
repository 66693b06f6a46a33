"""Processes that do the same at once: forked from one that has loaded what a store needs, so that they set out together."""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
_FORKING: Final = """
import contextlib, io, json, os, sys, traceback
import alembic.command, alembic.config, psycopg, sqlalchemy.dialects.postgresql.psycopg, sqlalchemy.dialects.sqlite
import runner.store.ledger, runner.store.runs, runner.store.schema
code, given = json.loads(sys.argv[1])
children = []
for argv in given:
    children.append(os.fork())
    if not children[-1]:
        ended = 1
        try:
            sys.argv = ["", *argv]
            with contextlib.redirect_stdout(io.StringIO()) as told:
                exec(code, {"__name__": "__main__"})
            os.write(1, told.getvalue().encode())  # at once: they share it
            ended = 0
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(ended)
sys.exit(any([os.waitpid(child, 0)[1] for child in children]))
"""


def at_once(code: str, given: Sequence[Sequence[object]]) -> list[str]:
    """Carry out the same code in one process for each of these lists of arguments; the words that they printed."""
    told = json.dumps([code, [[str(word) for word in argv] for argv in given]])
    done = subprocess.run([sys.executable, "-c", _FORKING, told], cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.split()
