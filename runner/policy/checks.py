"""What the keys of a policy have to do with one another: faults, and things worth a warning."""

from collections.abc import Iterator
from datetime import UTC, datetime

from runner.gates import gates
from runner.gates.breaker.options import NAMES
from runner.gates.rate.options import Limit, most_in
from runner.model.units import show_duration, show_size
from runner.policy.nodes import Path
from runner.policy.schema import Policy
from runner.probes import options as probes
from runner.trial import quarantine

Remark = tuple[Path, str]
"""The path of the key to blame, and what is to be said of it."""


def errors(policy: Policy) -> Iterator[Remark]:
    """What makes the policy unusable although each key is right."""
    limits = policy.sandbox.limits
    for name in type(limits).model_fields:
        if not getattr(limits, name) > 0:
            yield ("sandbox", "limits", name), "a limit of nothing would be no limit for the engine; give more than 0"
    for gate in gates():
        for path, what in gate.faults(getattr(policy.preflight, gate.name)):
            yield ("preflight", gate.name, *path), what
    yield from _of_breakers(policy)
    for path, what in probes.faults(policy.monitor):
        yield ("monitor", *path), what
    for path, what in quarantine.faults(policy.tests.quarantine, datetime.now(UTC).date()):
        yield ("tests", "quarantine", *path), what


def _of_breakers(policy: Policy) -> Iterator[Remark]:
    """What a breaker has to do with the sandbox, whose runs it waits for, and with the rates, which bound how many there are."""
    wall = policy.sandbox.limits.wall
    for name in NAMES:
        breaker, above = policy.preflight.breaker.of(name), ("preflight", "breaker", name, "advanced")
        advanced = breaker.advanced
        if advanced.lease < wall:
            what = (
                f"lease {show_duration(advanced.lease)} < sandbox.limits.wall {show_duration(wall)}: permits would end during normal work"
            )
            yield (*above, "lease"), what
        if isinstance(advanced.window, int) or not breaker.failure_rate or breaker.consecutive:
            continue
        for limit in policy.preflight.rate:
            most = _most(name, limit, advanced.window + advanced.lease)
            if most is not None and most < advanced.minimum_calls:
                runs = f"{most} run{'' if most == 1 else 's'}"
                what = f"{limit} lets {runs} end in a window of {show_duration(advanced.window)} at most; "
                yield (*above, "minimum_calls"), f"{what}minimum_calls {advanced.minimum_calls} is never reached"


def _most(breaker: str, limit: Limit, seconds: float) -> int | None:
    """Runs that a limit admits to one key of a breaker in so many seconds; `None` where it does not bound them."""
    known = {"host": set(), "promotion": {"target"}, "author": {"target", "author"}}[breaker]
    sound = limit.limit and limit.per > 0 and limit.parts
    return most_in(limit, seconds) if sound and known.issuperset(limit.parts) else None


def warnings(policy: Policy) -> Iterator[Remark]:
    """What is allowed and probably not meant."""
    for path, what in probes.warnings(policy.monitor):
        yield ("monitor", *path), what
    for path, what in quarantine.warnings(policy.tests.quarantine, datetime.now(UTC).date()):
        yield ("tests", "quarantine", *path), what
    for key, name in (("survivors", "mutants"), ("uncovered", "coverage")):
        if getattr(policy.controls, key) == "hold" and name not in policy.controls.run:
            yield ("controls", key), f"nothing follows from it while {name} is not in controls.run"
    limits = policy.sandbox.limits
    writable = limits.disk + 2 * limits.tmp
    if limits.memory < writable:
        yield (
            ("sandbox", "limits", "memory"),
            (
                f"{show_size(limits.memory)} is less than what may be written to memory-backed file systems "
                f"({show_size(writable)} = disk + twice tmp): a suite that writes much will look out of memory, not out of disk"
            ),
        )
    if limits.file > max(limits.disk, limits.tmp):
        yield ("sandbox", "limits", "file"), "no file can become that large: disk and tmp are both smaller"
    if policy.sandbox.image and "@sha256:" not in policy.sandbox.image and policy.sandbox.image.endswith(":latest"):
        yield ("sandbox", "image"), "`latest` may be another image tomorrow; name a version or a digest"
