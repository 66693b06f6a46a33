"""Harbour arithmetic: water under the keel, and berths that fit."""

from berth.keel import clearance, may_enter
from berth.quay import Berth, assign

__all__ = ["Berth", "assign", "clearance", "may_enter"]
