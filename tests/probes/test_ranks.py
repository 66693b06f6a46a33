"""Mann and Whitney's test against known values and against all permutations."""

from itertools import combinations

import pytest

from runner.probes.ranks import chance_of, median, smallest_chance


def test_a_known_value_without_ties() -> None:
    """U = 17 of 5 and 4 values; both sides together have p = 0.11134688653314041 in the literature's tables and programs."""
    assert 2 * chance_of([19, 22, 16, 29, 24], [20, 11, 17, 12]) == pytest.approx(0.11134688653314041, rel=1e-12)


def test_a_value_with_ties_by_hand() -> None:
    """Ranks 1.5 1.5 3.5 3.5 5.5 5.5: the first sample has 3.5 + 5.5 + 5.5 = 14.5, U = 8.5; variance 9/12 (7 - 18/30) = 4.8, z = 3.5 / 2.1909 = 1.5975."""
    assert chance_of([2, 3, 3], [1, 1, 2]) == pytest.approx(0.0550745, abs=1e-6)


@pytest.mark.parametrize(("offset", "tolerance"), [(0, 0.03), (2, 0.02), (4, 0.003)])
def test_it_agrees_with_all_permutations(offset: int, tolerance: float) -> None:
    low = [1, 2, 2, 4, 5, 6, 6, 8]
    high = [value + offset for value in low]
    pooled = [*high, *low]

    def above(first: tuple[int, ...]) -> float:
        chosen = set(first)
        ones, others = [pooled[i] for i in first], [value for i, value in enumerate(pooled) if i not in chosen]
        return sum((one > other) + (one == other) / 2 for one in ones for other in others)

    seen = above(tuple(range(8)))
    splits = [above(split) >= seen for split in combinations(range(16), 8)]
    assert chance_of(high, low) == pytest.approx(sum(splits) / len(splits), abs=tolerance)


def test_what_cannot_be_told_apart_is_no_evidence() -> None:
    assert [chance_of(*lots) for lots in (([], []), ([1], []), ([], [1]), ([1], [1]), ([2] * 50, [2] * 50))] == [1.0] * 5


def test_one_side_only() -> None:
    slow, quick = [float(n) for n in range(100, 120)], [float(n) for n in range(20)]
    assert chance_of(slow, quick) < 1e-6
    assert chance_of(quick, slow) > 0.999


def test_few_measurements_can_never_be_sure() -> None:
    assert smallest_chance(2, 2) > 0.02
    assert smallest_chance(20, 20) < 1e-6
    assert smallest_chance(3, 3) == chance_of([4, 5, 6], [1, 2, 3])


def test_the_middle() -> None:
    assert [median(values) for values in ((), (3,), (1, 9, 2), (4, 1, 2, 3))] == [0.0, 3.0, 2.0, 2.5]
