"""Git on untrusted input: the only place that starts git."""
