"""The errors a person may see: what happened, and what to do about it."""

import errno
from typing import Final

_MACHINE: Final = frozenset(
    [
        errno.EACCES,
        errno.EAGAIN,
        errno.EDQUOT,
        errno.EIO,
        errno.EMFILE,
        errno.ENFILE,
        errno.ENOEXEC,
        errno.ENOMEM,
        errno.ENOSPC,
        errno.EPERM,
        errno.EROFS,
    ]
)
"""What a system says when it lacks room, memory, files or processes, or forbids something; no content of a change does that."""


class SeatrialError(Exception):
    """Base of every expected error; `hint` is the sentence that says what to do."""

    code = "error"

    def __init__(self, what: str, *, hint: str = "") -> None:
        super().__init__(what)
        self.hint = hint


class UsageError(SeatrialError):
    """The command, the repository or the revision named cannot be used."""

    code = "usage"


class PolicyInvalid(SeatrialError):
    """The policy cannot be used; `problems` holds every fault found, one line each, as `file:line:column: …`."""

    code = "policy-invalid"

    def __init__(self, problems: tuple[str, ...], *, hint: str = "") -> None:
        super().__init__("\n".join(problems))
        self.problems = problems
        self.hint = hint


class ConfigurationInvalid(UsageError):
    """The file that tells a server what it serves cannot be used; `problems` holds every fault found, one line each, as for a policy."""

    code = "configuration-invalid"

    def __init__(self, problems: tuple[str, ...], *, hint: str = "") -> None:
        many = f"has {len(problems)} faults" if len(problems) != 1 else "cannot be used"
        super().__init__("\n".join((f"the server's configuration {many}", *problems)), hint=hint)
        self.problems = problems


class ChangeRefused(SeatrialError):
    """The patch is no change that can be judged: too large, empty, or it does not apply exactly; says git's reason."""

    code = "change-refused"


class InfrastructureError(SeatrialError):
    """The machine, not the change, is at fault; trying again later may help."""

    code = "infrastructure"


class EngineUnavailable(InfrastructureError):
    """No container engine answers."""

    code = "engine-unavailable"


class ImageUnavailable(InfrastructureError):
    """The image named is absent and cannot be had, or its build failed."""

    code = "image-unavailable"


class StoreUnavailable(InfrastructureError):
    """The record of runs cannot be read or written (disk full, newer schema, no permission)."""

    code = "store-unavailable"


class TargetMoved(SeatrialError):
    """The target is not what the change was tried upon any more; nothing was done to it."""

    code = "target-moved"


class Fenced(SeatrialError):
    """Somebody else has taken this run over; nothing may be done to its target from here."""

    code = "fenced"


class Terminated(BaseException):
    """Somebody asked this process to stop with the signal `number`; no `except Exception` may swallow it."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def machine_at_fault(problem: BaseException) -> bool:
    """Whether the machine has too little of something or forbids something, wherever the operating system said so."""
    return isinstance(problem, InfrastructureError) or (isinstance(problem, OSError) and problem.errno in _MACHINE)
