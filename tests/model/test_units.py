"""Durations and sizes have units."""

import pytest

from runner.model.units import duration, exact_duration, exact_size, show_duration, show_size, size


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("10m", 600), ("1h", 3600), ("250ms", 0.25), ("1.5m", 90), ("2 d", 172800)])
def test_durations_are_read_in_seconds(text: str, seconds: float) -> None:
    assert duration(text) == seconds


@pytest.mark.parametrize(("text", "count"), [("2GiB", 2**31), ("512MiB", 2**29), ("1KB", 1000), ("7B", 7)])
def test_sizes_are_read_in_bytes(text: str, count: int) -> None:
    assert size(text) == count


@pytest.mark.parametrize("text", ["60", "1:30", "", "-5s", "5 parsecs", "1e3s", "٣s5"])
def test_what_has_no_known_unit_is_an_error_that_shows_how_to_write_it(text: str) -> None:
    with pytest.raises(ValueError, match="90s"):
        duration(text)


@pytest.mark.parametrize(("seconds", "text"), [(600, "10m"), (90, "90s"), (3600, "1h"), (0.25, "250ms"), (61.5, "61.5s")])
def test_a_shown_duration_reads_back_as_itself(seconds: float, text: str) -> None:
    assert show_duration(seconds) == text
    assert duration(text) == seconds


def test_a_shown_size_is_short() -> None:
    assert (show_size(2**31), show_size(1536), show_size(12)) == ("2GiB", "1.5KiB", "12B")


@pytest.mark.parametrize("seconds", [999_999.5, 1_000_001.0, 1e9, 1e-7, 0.1 + 0.2, 123456789.123])
def test_a_duration_too_long_or_too_short_for_the_usual_form_is_written_out(seconds):
    assert duration(exact_duration(seconds)) == seconds


@pytest.mark.parametrize("count", [2**50, 2**50 + 1, 10**15])
def test_a_size_too_large_for_the_usual_form_is_written_out(count):
    assert size(exact_size(count)) == count


@pytest.mark.parametrize("read", [duration, size])
def test_what_no_clock_and_no_disk_can_work_with_is_an_error(read):
    unit = "d" if read is duration else "GiB"
    for digits in (20, 400):  # the second is infinite as a float
        with pytest.raises(ValueError, match="at most"):
            read("9" * digits + unit)


def test_values_from_code_that_no_policy_may_give_are_written_all_the_same():
    assert exact_duration(1e12) == "1000000000000.0s"
    assert exact_size(2**70) == f"{2**70}B"
