"""Water under the keel, in metres."""

SAFETY = 0.5


def clearance(chart_depth: float, tide: float, draught: float) -> float:
    """Water between keel and ground."""
    if draught <= 0:
        raise ValueError("a ship has a draught")
    return chart_depth + tide - draught


def may_enter(chart_depth: float, tide: float, draught: float) -> bool:
    """Whether the ship keeps the safety margin all the way in."""
    return clearance(chart_depth, tide, draught) >= SAFETY
