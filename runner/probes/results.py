"""What the watch found, as one Result per probe."""

from collections.abc import Sequence

from runner.model.result import Cause, Outcome, Result
from runner.model.run import Course
from runner.probes.decision import Ruling, State, doubt, paired, regression
from runner.probes.options import Monitor, ProbeOptions


def results(states: Sequence[State], options: Monitor, ruling: Ruling) -> tuple[Result, ...]:
    """One answer per probe of the policy, `probe:<name>`; what is neither known to be wrong nor shown to be well is unknown."""
    slow = ruling.course is Course.TAKE_BACK and not any(state.broken for state in states)
    asked = enumerate(paired(states, options))
    return tuple(_result(index, probe, state, options, regression(state, options) if slow else "") for index, (probe, state) in asked)


def _result(index: int, probe: ProbeOptions, state: State, options: Monitor, slower: str) -> Result:
    wrong = state.broken or slower
    why = doubt(probe, state, options, state.last.at if state.last else 0.0).removeprefix(f"{state.probe} ")
    outcome = Outcome.FAIL if wrong else Outcome.UNKNOWN if why else Outcome.PASS
    shown = state.trouble if wrong and state.trouble else state.last
    return Result(
        check=f"probe:{state.probe}",
        outcome=outcome,
        cause=Cause.EVIDENCE if outcome is Outcome.UNKNOWN else None,
        reason=f"{wrong or why or state.counts}" + (f" ({state.counts})" if wrong else ""),
        measured=shown.measured if shown else None,
        limit=shown.limit if shown else None,
        policy=f"monitor.probes[{index}]",
    )
