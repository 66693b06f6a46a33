"""The probe `host`: whether the machine bears what was promoted."""

from runner.probes.probe import Common, Context, Fault, Probe
from runner.probes.reading import Reading, no_data


class HostOptions(Common):
    """Keys of a probe of this machine."""

    host: bool
    """`true`: the machine's health by the limits of preflight.health; an answer may take 5s unless `timeout` says otherwise."""


class HostProbe(Probe):
    """Asks for a sample of the machine as the gate `health` judges it."""

    kind = "host"
    Options = HostOptions
    preset = {"timeout": 5.0}

    @classmethod
    def subject(cls, options: HostOptions) -> str:  # noqa: ARG003
        """Nothing: there is one machine."""
        return ""

    @classmethod
    def faults(cls, options: HostOptions) -> tuple[Fault, ...]:
        """One that is not wanted is left out."""
        return () if options.host else ((("host",), "say true, or leave the probe out"),)

    def measure(self, context: Context) -> Reading:
        """The machine's answer."""
        return context.host() if context.host is not None else no_data("nobody here can take a sample of the machine")


probe = HostProbe
