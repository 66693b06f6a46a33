"""The probe `command`: whether a command of the operator exits with 0."""

from typing import Annotated, Final

from pydantic import AfterValidator, Field

from runner.model.text import cut, printable, shown
from runner.model.units import show_duration
from runner.probes.probe import Common, Context, Probe
from runner.probes.reading import Reading, failed, no_data, passed

_SHOWN: Final = 40
_SAID: Final = 600
"""Characters of its output that are shown, from the end."""


def _argument(text: str) -> str:
    if "\0" in text:
        raise ValueError("an argument cannot hold a NUL character")
    return text


class CommandOptions(Common):
    """Keys of a probe that runs a command."""

    command: Annotated[tuple[Annotated[str, AfterValidator(_argument)], ...], Field(min_length=1)]
    """The program and its arguments, run on this host without a shell, e.g. [systemctl, is-active, app]; 0 passes, all else fails."""


class CommandProbe(Probe):
    """Runs a command of the operator, whose whole process group is killed when its time is up."""

    kind = "command"
    Options = CommandOptions

    @classmethod
    def subject(cls, options: CommandOptions) -> str:
        """The command line."""
        return " ".join(options.command)

    def measure(self, context: Context) -> Reading:
        """Passes when it exits with 0; one that cannot be started has measured nothing."""
        from runner.probes.running import run

        started = context.monotonic()
        try:
            ended = run(self.options.command, seconds=self.options.timeout, cancelled=context.cancelled)
        except OSError as problem:
            return no_data(f"{cut(self.options.command[0], _SHOWN)} cannot be run: {problem.strerror or problem}")
        seconds = context.monotonic() - started
        said = printable(" | ".join(shown(ended.output).split("\n")).strip(" |"))  # its end matters most
        told = f"; it said: {said if len(said) <= _SAID else '…' + said[-_SAID:]}" if said else ""
        if ended.status is None:
            if context.cancelled.is_set():
                return no_data("it was ended: nobody asks any more")
            return failed(f"still running after {show_duration(self.options.timeout)}, and ended{told}", limit=self.options.timeout)
        how = f"exited with {ended.status}" if ended.status >= 0 else f"was ended by signal {-ended.status}"
        if ended.status:
            return failed(f"{how}{told}", seconds=seconds, measured=ended.status, limit=0)
        return passed(f"{how} in {seconds * 1000:.0f}ms", seconds=seconds, measured=0, limit=0)


probe = CommandProbe
