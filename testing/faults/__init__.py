"""The fault harness: real runs of the whole line in processes that die, fail or freeze at a marker, and what must hold afterwards."""
