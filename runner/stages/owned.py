"""Makes this process the one that works on a promotion: whoever did before can do nothing any more."""

from runner.model.promotion import Promotion
from runner.ports import LandingPorts


def owned(promotion: Promotion, ports: LandingPorts) -> Promotion:
    """The promotion under a fence that this process raised, in the record and at its target.

    A stage may be the first that this process comes to: what it did not do itself may have been left by one that hangs and wakes again.
    """
    if ports.promotions.owns(promotion):
        return promotion
    taken = ports.promotions.take(promotion)
    ports.target.recover(taken, ports.trees)
    return taken
