"""The policy: its file, its schema, and its resolved form."""
