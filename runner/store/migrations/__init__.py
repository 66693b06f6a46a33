"""Migrations of the record of runs; shipped in the wheel and run when a database is older than the program."""
