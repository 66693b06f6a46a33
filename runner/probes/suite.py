"""The probe `suite`: the tests once more, in a sandbox, over the tree that was promoted."""

from runner.probes.probe import Common, Context, Fault, Probe
from runner.probes.reading import Reading, no_data


class SuiteOptions(Common):
    """Keys of a probe that runs the suite."""

    suite: bool
    """`true`: the suite in a sandbox over the promoted tree. Its first answer decides; without one it is asked again, every 30s at most."""


class SuiteProbe(Probe):
    """Runs the tests; a suite has its own ways to tell flaky from broken, so one answer says all."""

    kind = "suite"
    Options = SuiteOptions
    preset = {"interval": 30.0, "timeout": 240.0}
    conclusive = True

    @classmethod
    def subject(cls, options: SuiteOptions) -> str:  # noqa: ARG003
        """Nothing: there is one suite."""
        return ""

    @classmethod
    def faults(cls, options: SuiteOptions) -> tuple[Fault, ...]:
        """One that is not wanted is left out."""
        return () if options.suite else ((("suite",), "say true, or leave the probe out"),)

    def measure(self, context: Context) -> Reading:
        """The suite's answer."""
        return context.suite() if context.suite is not None else no_data("nobody here can run the suite")


probe = SuiteProbe
