"""A book of arrivals."""
