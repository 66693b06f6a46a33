"""The steps of the straight line, one file each, one signature: (Run, Ports, Policy) -> Run."""
