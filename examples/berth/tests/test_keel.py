import pytest

from berth import clearance, may_enter


def test_clearance_is_depth_plus_tide_less_draught():
    assert clearance(8.0, 1.5, 7.0) == 2.5


@pytest.mark.parametrize(("tide", "allowed"), [(0.4, False), (0.5, True), (2.0, True)])
def test_the_safety_margin_decides(tide, allowed):
    assert may_enter(7.0, tide, 7.0) is allowed


def test_a_ship_without_draught_is_an_error():
    with pytest.raises(ValueError):
        clearance(8.0, 1.0, 0.0)
