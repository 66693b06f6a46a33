"""What a policy can get wrong about breakers and rates: each with line and column."""

import pytest

from runner.errors import PolicyInvalid
from runner.policy.load import load_text


def problems(text: str) -> tuple[str, ...]:
    with pytest.raises(PolicyInvalid) as caught:
        load_text(f"seatrial: 1\n{text}\n".encode(), "p.yaml")
    return caught.value.problems


def breaker(name: str, options: str) -> tuple[str, ...]:
    return problems(f"preflight:\n  breaker:\n    {name}: {options}")


@pytest.mark.parametrize(
    ("options", "place", "said"),
    [
        ("{consecutive: 0, failure_rate: 0%}", "4:13: preflight.breaker.author", "can never open"),
        (
            "{advanced: {window: 5, minimum_calls: 6}}",
            "4:51: preflight.breaker.author.advanced.minimum_calls",
            "minimum_calls 6 > window 5: the failure rate can never open this breaker",
        ),
        ("{advanced: {lease: 4h}}", "4:32: preflight.breaker.author.advanced.lease", "lease 4h > max_duration 3h"),
        ("{advanced: {lease: 5m}}", "4:32: preflight.breaker.author.advanced.lease", "lease 5m < sandbox.limits.wall 10m"),
        ("{wait: 12h}", "4:20: preflight.breaker.author.wait", "max_wait 6h < wait 12h"),
        ("{wait: 0s}", "4:20: preflight.breaker.author.wait", "more than 0"),
        ("{wait: 60}", "4:20: preflight.breaker.author.wait", "needs a unit"),
        ("{failure_rate: 50}", "4:28: preflight.breaker.author.failure_rate", "needs the sign %"),
        ("{failure_rate: 150%}", "4:28: preflight.breaker.author.failure_rate", "'150%' is too much: a share is 100% at most"),
        ("{advanced: {growth: 0.5}}", "4:33: preflight.breaker.author.advanced.growth", "greater than or equal to 1"),
        ("{advanced: {permits: 0}}", "4:34: preflight.breaker.author.advanced.permits", "greater than or equal to 1"),
        ("{advanced: {jitter: 51%}}", "4:33: preflight.breaker.author.advanced.jitter", "more than 50%"),
        ("{advanced: {window: 10 min}}", "4:33: preflight.breaker.author.advanced.window", "or a bare number for so many outcomes"),
        ("{advanced: {window: 1001}}", "4:33: preflight.breaker.author.advanced.window", "holds 1000 outcomes at most"),
        ("{advanced: {window: 0, minimum_calls: 1}}", "4:33: preflight.breaker.author.advanced.window", "more than 0"),
        ("{consecutive: -1}", "4:27: preflight.breaker.author.consecutive", "greater than or equal to 0"),
    ],
)
def test_a_breaker_that_cannot_work_is_an_error_with_its_place(options: str, place: str, said: str) -> None:
    found = breaker("author", options)
    assert any(line.startswith(f"p.yaml:{place}: ") and said in line for line in found), found


def test_a_lease_must_outlast_the_longest_run_of_this_very_policy() -> None:
    found = problems("sandbox: {limits: {wall: 1h}}")
    assert [line for line in found if "preflight.breaker.host.advanced.lease: lease 45m < sandbox.limits.wall 1h" in line]


def test_a_window_of_time_that_a_rate_never_fills_is_an_error() -> None:
    limits = "rate: [{limit: 1, per: 24h, key: [target]}]"
    options = "{consecutive: 0, failure_rate: 50%, advanced: {window: 1h, minimum_calls: 5}}"
    found = problems(f"preflight:\n  {limits}\n  breaker: {{author: {options}}}")
    (line,) = found
    assert line.startswith(
        "p.yaml:4:95: preflight.breaker.author.advanced.minimum_calls: 1 per 24h by target lets 1 run end in a window of 1h"
    )
    assert line.endswith("minimum_calls 5 is never reached")
    load_text(f"seatrial: 1\npreflight:\n  {limits}\n  breaker: {{host: {options}}}\n".encode(), "p.yaml")  # other targets fail there, too


def rate(*limits: str) -> tuple[str, ...]:
    return problems("preflight:\n  rate:\n" + "\n".join(f"  - {limit}" for limit in limits))


@pytest.mark.parametrize(
    ("limits", "place", "said"),
    [
        (("{limit: 0, per: 1m}",), "4:13: preflight.rate[0].limit", "for no limit write `rate: []`"),
        (("{limit: 10, per: 60}",), "4:22: preflight.rate[0].per", "needs a unit"),
        (("{limit: 10, per: 0s}",), "4:22: preflight.rate[0].per", "at least 1ms"),
        (("{limit: 10, per: 31d}",), "4:22: preflight.rate[0].per", "the longest that is counted"),
        (("{limit: 10, per: 1m, key: []}",), "4:31: preflight.rate[0].key", "name one of: target, author, path"),
        (("{limit: 10, per: 1m, key: [path, path]}",), "4:31: preflight.rate[0].key", "given twice"),
        (("{limit: 10, per: 1m, key: [folder]}",), "4:32: preflight.rate[0].key[0]", "expected one of: target, author, path"),
        (("{limit: 10}",), "4:5: preflight.rate[0].per", "missing"),
        (("{limit: 10, per: 1m}", "{limit: 8, per: 1m}"), "4:13: preflight.rate[0].limit", "beside 8 per 1m by target"),
        (("{limit: 10, per: 1m}", "{limit: 10, per: 30s}"), "5:13: preflight.rate[1].limit", "beside 10 per 1m by target"),
        (("{limit: 5, per: 1m}", "{limit: 300, per: 1h}"), "5:13: preflight.rate[1].limit", "beside 5 per 1m by target"),
        (("{limit: 5, per: 1m}", "{limit: 5, per: 1m}"), "5:13: preflight.rate[1].limit", "can never refuse anything"),
        (
            ("{limit: 5, per: 1m}", "{limit: 5, per: 1m, key: [author, target]}"),
            "5:13: preflight.rate[1].limit",
            "beside 5 per 1m by target",
        ),
    ],
)
def test_a_limit_that_refuses_all_or_nothing_is_an_error_with_its_place(limits: tuple[str, ...], place: str, said: str) -> None:
    found = rate(*limits)
    assert len(found) == 1
    assert found[0].startswith(f"p.yaml:{place}: ")
    assert said in found[0]


@pytest.mark.parametrize(
    "limits",
    [
        "[]",
        "[{limit: 10, per: 1m}, {limit: 100, per: 1h}]",
        "[{limit: 10, per: 1m}, {limit: 12, per: 1m30s}]".replace("1m30s", "90s"),
        "[{limit: 10, per: 1m, key: [author]}, {limit: 10, per: 1m, key: [target]}]",
        "[{limit: 10, per: 1m, key: [target, author]}, {limit: 10, per: 1m, key: [target]}]".replace(
            "limit: 10, per: 1m, key: [target, a", "limit: 4, per: 1m, key: [target, a"
        ),
    ],
)
def test_limits_that_can_each_refuse_something_stand_beside_one_another(limits: str) -> None:
    load_text(f"seatrial: 1\npreflight: {{rate: {limits}}}\n".encode(), "p.yaml")


@pytest.mark.parametrize(
    ("rates", "said"),
    [
        ("{limit: 10, per: 1m, key: [target]}", "expected a list, e.g. [{limit: 10, per: 1m, key: [target]}]"),
        ("[{limit: 10, per: 1m, key: author}]", "found author, expected a list, e.g. [target]"),
    ],
)
def test_a_rate_that_is_no_list_is_told_what_one_looks_like(rates: str, said: str) -> None:
    (line,) = problems(f"preflight: {{rate: {rates}}}")
    assert line.endswith(said)
