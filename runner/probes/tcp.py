"""The probe `tcp`: whether something accepts connections."""

from runner.probes.addresses import Endpoint, endpoint
from runner.probes.connect import Unresolved, connect, unreachable
from runner.probes.probe import Common, Context, Probe
from runner.probes.reading import Reading, passed


class TcpOptions(Common):
    """Keys of a probe that connects."""

    tcp: Endpoint
    """Host and port that must accept a connection, e.g. 127.0.0.1:5432."""


class TcpProbe(Probe):
    """Connects, sends nothing, and hangs up."""

    kind = "tcp"
    Options = TcpOptions
    timed = True

    @classmethod
    def subject(cls, options: TcpOptions) -> str:
        """Host and port."""
        return options.tcp

    def measure(self, context: Context) -> Reading:
        """Passes when the connection was accepted."""
        started = context.monotonic()
        try:
            connect(*endpoint(self.options.tcp), lambda: self.options.timeout - (context.monotonic() - started)).close()
        except (OSError, Unresolved) as problem:
            return unreachable(problem)
        seconds = context.monotonic() - started
        return passed(f"connected in {seconds * 1000:.1f}ms", seconds=seconds)


probe = TcpProbe
