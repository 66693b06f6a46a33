"""Discovery: how a repository without a policy is installed and tested, worked out from its own files as data."""
