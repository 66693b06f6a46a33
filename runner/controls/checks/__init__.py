"""The controls, one file each: `begin` asks for what a control needs, and what it gives waits for that and judges."""
