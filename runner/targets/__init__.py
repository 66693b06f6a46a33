"""Where an accepted change goes: a git ref or a live folder. Each kind is one file that does what `runner.ports.Target` says."""
