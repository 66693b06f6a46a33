"""Frozen values that every layer may use; pydantic and the standard library only."""
