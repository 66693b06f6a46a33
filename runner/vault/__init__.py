"""Content-addressed copies of what targets were: `runner.vault.vault` makes, verifies, restores and prunes them."""
