"""Asks a Seatrial server over HTTP: what the command line does with `--server`, and what a program may call itself."""
