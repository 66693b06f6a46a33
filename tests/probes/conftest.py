"""Real servers for probes to ask."""

from tests.probes.served import closed_port, serving

__all__ = ["closed_port", "serving"]
