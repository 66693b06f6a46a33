"""The durable record of runs, and the directories it lives in."""
