"""Durable execution: the only importer of dbos."""
