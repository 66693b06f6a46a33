"""Processes that are killed at random moments: every run that was accepted is carried to its end, and changes its target once."""

import os
import random
import time

import pytest

from testing.crews import STEPS, Crew, Member

TRIALS = int(os.environ.get("SEATRIAL_ENGINE_KILLS", "8"))
_LONGEST = 0.3
"""Seconds within which a process is killed after it is ready; it needs about as long for a run."""
_STEP = 0.02


@pytest.mark.slow
def test_after_every_kill_each_run_goes_on_and_is_promoted_once(crew: Crew, any_database: str) -> None:
    chance = random.Random(f"{TRIALS} {any_database}")
    watchers = [crew.watch(seconds=_STEP) for _ in range(2)]
    for trial in range(TRIALS):
        run = f"run{trial}"
        if trial % 2:
            submit = crew.start("submit", ("hand_over", run), ("wait", run), seconds=_STEP)
            submit.said("accepted")
            victim = chance.randrange(2)
            _kill(watchers[victim], chance)
            watchers[victim] = crew.watch(seconds=_STEP)
        else:
            submit = crew.submit(run, seconds=_STEP)
            submit.said("entered")
            _kill(submit, chance)
    accepted = {line["accepted"] for line in crew.told() if "accepted" in line}
    assert len(accepted) >= TRIALS // 2
    for run in sorted(accepted):
        crew.until(lambda run=run: crew.steps(run, "ended")["breaker"])
    begun = {line["run"] for line in crew.told() if "run" in line}
    assert accepted <= begun  # what was killed before it was told so may have begun all the same
    asked = crew.submit(*sorted(begun))
    asked.ended()
    assert sum("result" in line for line in crew.told() if line["pid"] == asked.pid) == len(begun)
    for run in sorted(begun):
        steps = crew.steps(run)
        assert steps.keys() == set(STEPS)
        assert crew.steps(run, "promoted")["promote"] <= 1
        assert crew.promoted(run), "whoever was killed right after the step could not say so"
        carriers = {pid for step in STEPS for pid in crew.who(run, step)}
        assert steps.total() - len(STEPS) < len(carriers)  # whoever died had one step in flight


def _kill(member: Member, chance: random.Random) -> None:
    time.sleep(chance.random() * _LONGEST)
    member.kill()
