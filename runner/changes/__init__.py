"""Change sources: whatever a person gives becomes a base tree and a patched tree."""
