import pytest

from harbour.berths import assign


@pytest.mark.parametrize(("length", "berth"), [(10, "A"), (40, "A"), (41, "B"), (160, "C"), (161, None)])
def test_a_ship_gets_the_smallest_berth_it_fits_into(length, berth):
    assert assign(length) == berth
