"""What people and programs read about a run: JSON, text, and progress while it goes on."""
