"""What the keys of a policy have to do with one another: faults, and things worth a warning."""

from collections.abc import Iterator

from runner.gates import gates
from runner.model.units import show_size
from runner.policy.nodes import Path
from runner.policy.schema import Policy

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


def warnings(policy: Policy) -> Iterator[Remark]:
    """What is allowed and probably not meant."""
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
