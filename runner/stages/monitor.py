"""Monitor: probe what was promoted until it is decided what becomes of it, or the deadline has passed."""

from datetime import datetime

from runner.crashpoints import crashpoint
from runner.model.promotion import Step
from runner.model.run import Command, Course, Run
from runner.policy.load import Loaded
from runner.ports import LandingPorts
from runner.stages.told import landed


def monitor(run: Run, ports: LandingPorts, policy: Loaded) -> Run:
    """Set the course of a promoted run; what is not shown to be well by the deadline is undecided, and never confirmed."""
    promotion = ports.promotions.find(run.id)
    if promotion is None or promotion.step is not Step.PROMOTED or run.course is not None:
        return run
    if run.command is Command.RESTORE and not policy.policy.monitor.probes:
        return run.with_(course=Course.CONFIRM, because="a person asked for it, and the policy has no probes")
    ports.progress.stage("monitor")
    if not policy.policy.monitor.probes:
        until = datetime.fromtimestamp(promotion.deadline or 0.0).astimezone().isoformat(" ", "seconds")
        ports.progress.note(f'no probes: `seatrial confirm {run.id} --reason "..."` confirms it; at {until} it is given up otherwise')
    crashpoint("monitor.begins")
    watched = ports.watch(run, promotion)
    crashpoint("monitor.decided")
    results = tuple(result.model_copy(update={"policy": policy.where("monitor.probes")}) for result in watched.results)
    names = {result.check for result in results}
    run = run.with_(results=(*(result for result in run.results if result.check not in names), *results))
    seconds = round(ports.promotions.now() - (promotion.promoted or promotion.intended), 3)
    return landed(run, promotion, detection=seconds if watched.course is Course.TAKE_BACK else None).with_(
        course=watched.course, because=watched.reason, stopped=watched.asked in ("cancel", "expire")
    )
