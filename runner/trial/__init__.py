"""The trial: how a suite runs in the sandbox, how its report is read, and what base and patched run say together."""
