from berth import Berth, assign

QUAY = [Berth("A", 120), Berth("B", 80), Berth("C", 90, taken=True), Berth("D", 200)]


def test_the_shortest_free_berth_that_fits():
    assert assign(QUAY, 85).name == "A"


def test_an_exact_fit_is_a_fit():
    assert assign(QUAY, 80).name == "B"


def test_no_berth_is_long_enough():
    assert assign(QUAY, 300) is None
