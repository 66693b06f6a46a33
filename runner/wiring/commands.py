"""Runs the operator's commands on this host."""

import shlex
import time
from collections.abc import Mapping, Sequence

from runner.model.units import show_duration
from runner.ports import Ran
from runner.probes.running import run


def run_command(argv: Sequence[str], seconds: float, variables: Mapping[str, str]) -> Ran:
    """Run an argument list; what it leaves running when it has ended well is the service, and stays. Never raises."""
    began = time.monotonic()
    named = shlex.join(argv)
    try:
        ended = run(argv, seconds=seconds, variables=variables, spare=True)
    except OSError as problem:
        return Ran(False, f"`{named}` cannot be started: {problem.strerror}", "", time.monotonic() - began)
    took = time.monotonic() - began
    said = ended.output.decode("utf-8", "replace")
    if ended.status is None:
        return Ran(False, f"`{named}` was ended after {show_duration(seconds)}", said, took)
    if ended.status:
        how = f"by signal {-ended.status}" if ended.status < 0 else f"with status {ended.status}"
        return Ran(False, f"`{named}` ended {how}", said, took)
    return Ran(True, f"`{named}` ended well", said, took)
