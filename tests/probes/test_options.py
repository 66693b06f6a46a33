"""The section `monitor`: its short form, its defaults, and everything in it that can never work."""

from typing import Any

import pytest
from pydantic import ValidationError

from runner.policy.faults import faults as told
from runner.policy.nodes import Places
from runner.probes import kinds
from runner.probes.http import HttpOptions
from runner.probes.options import Monitor, faults, kind_of, made, name_of, warnings
from tests.probes.served import a_monitor

WEB = {"http": "http://127.0.0.1:8000/health"}


def blamed(*probes: dict[str, Any], **keys: Any) -> dict[str, str]:
    return {".".join(map(str, path)): what for path, what in faults(a_monitor(*probes, **keys))}


def test_the_defaults_are_those_of_the_design() -> None:
    options = a_monitor()
    assert (options.probes, options.confirm_after, options.deadline, options.on_undecided, options.watcher) == (
        (),
        30.0,
        300.0,
        "rollback",
        "optional",
    )
    given = options.advanced
    assert (given.initial_delay, given.failures, given.no_data) == (0.0, 3, 5)
    assert (given.p_healthy, given.p_broken, given.alpha, given.beta) == (0.01, 0.2, 0.001, 0.01)
    assert (given.latency.max_regression, given.latency.confidence, given.latency.min_samples) == (None, 0.98, 20)
    assert blamed() == {}


def test_a_short_form_is_enough() -> None:
    options = a_monitor(WEB, {"tcp": "127.0.0.1:5432"}, {"command": ["true"]}, {"process": "app.service"}, {"host": True}, {"suite": True})
    assert tuple(faults(options)) == ()
    assert [kind.kind for probe in options.probes if (kind := kind_of(probe))] == ["http", "tcp", "command", "process", "host", "suite"]
    assert [probe.name for probe in made(options)] == [
        "http 127.0.0.1:8000/health",
        "tcp 127.0.0.1:5432",
        "command true",
        "process app.service",
        "host",
        "suite",
    ]
    assert [(probe.interval, probe.timeout) for probe in options.probes] == [(1.0, 1.0)] * 4 + [(1.0, 5.0), (30.0, 240.0)]


def test_a_probe_gets_the_keys_of_its_kind_as_they_were_checked() -> None:
    probe = made(a_monitor({**WEB, "status": ["204"], "interval": "2s", "timeout": "500ms"}))[0]
    assert probe.options == HttpOptions(http=WEB["http"], status=("204",), interval=2.0, timeout=0.5)


def test_what_is_dumped_is_read_again_as_the_same() -> None:
    options = a_monitor({**WEB, "latency": "200ms"}, {"suite": True}, {"process": "/run/a.pid", "cpu": "150%", "memory": "64MiB"})
    for dumped in (options.model_dump(mode="json"), options.model_dump(mode="json", exclude_none=True), options.model_dump()):
        assert Monitor.model_validate(dumped) == options
    assert set(options.model_dump(exclude_none=True)["probes"][1]) == {"interval", "timeout", "no_data", "suite"}
    assert options.model_dump(mode="json")["probes"][2]["cpu"] == "150%"


@pytest.mark.parametrize(
    "probe",
    [
        {"http": "ftp://x"},
        {**WEB, "status": []},
        {**WEB, "status": ["20"]},
        {**WEB, "status": ["299-200"]},
        {**WEB, "tree": "not a header"},
        {**WEB, "expect": "status"},
        {**WEB, "fail_if": "5"},
        {**WEB, "interval": "0s"},
        {**WEB, "timeout": "5"},
        {**WEB, "no_data": "pass"},
        {**WEB, "name": ""},
        {**WEB, "name": "a\nb"},
        {"tcp": "nowhere"},
        {"command": []},
        {"command": ["a\0b"]},
        {"process": "app.pid"},
        {"process": "--help"},
        {"process": "app.socket"},
        {"process": "/run/a.pid", "cpu": "0%"},
        {"process": "/run/a.pid", "restarts": -1},
        {**WEB, "what": 1},
    ],
)
def test_values_that_mean_nothing_are_refused(probe: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        a_monitor(probe)


@pytest.mark.parametrize(
    "keys",
    [{"on_undecided": "confirm"}, {"watcher": "maybe"}, {"deadline": "0s"}, {"advanced": {"alpha": "50%"}}, {"advanced": {"beta": "0%"}}],
)
def test_nobody_can_ask_to_confirm_what_is_undecided(keys: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        a_monitor(**keys)


def test_an_unknown_key_is_told_with_the_nearest() -> None:
    with pytest.raises(ValidationError) as refused:
        a_monitor({**WEB, "intervall": "1s"})
    where = {(): Places((1, 1), (1, 1)), ("probes", 0, "intervall"): Places((2, 3), (2, 9))}
    assert [(problem.place, problem.what) for problem in told(refused.value, Monitor, where)] == [
        ((2, 3), 'unknown key; did you mean "interval"?')
    ]


@pytest.mark.parametrize(
    ("probe", "path", "what"),
    [
        ({}, "probes.0", "what is to be asked is missing; give one of: http, tcp"),
        ({"tcp": "a:1", "command": ["true"]}, "probes.0.command", "tcp and command are two probes"),
        ({"tcp": "a:1", "status": ["200"]}, "probes.0.status", "status is not a key of the probe tcp"),
        ({"host": False}, "probes.0.host", "leave the probe out"),
        ({"suite": False}, "probes.0.suite", "leave the probe out"),
        ({**WEB, "fail_if": ">5%"}, "probes.0.fail_if", "give a path there"),
        ({**WEB, "expect": '$.a == "b"', "pass_if": "<1"}, "probes.0.pass_if", "give a path there"),
        ({**WEB, "expect": "$.a"}, "probes.0.expect", "a path alone expects nothing"),
        ({**WEB, "expect": "$.a", "fail_if": ">2%", "pass_if": "<5%"}, "probes.0.pass_if", "true of the same numbers"),
        ({**WEB, "expect": "$.a", "fail_if": "<=2", "pass_if": ">=2"}, "probes.0.pass_if", "true of the same numbers"),
        ({**WEB, "latency": "1s"}, "probes.0.latency", "not less than timeout"),
        ({**WEB, "timeout": "5m"}, "probes.0.timeout", "not less than monitor.deadline 5m"),
        ({**WEB, "interval": "6m"}, "probes.0.interval", "not less than monitor.deadline 5m"),
        ({**WEB, "interval": "15s"}, "probes.0.interval", "22 passes every 15s take 5m15s"),
    ],
)
def test_a_probe_that_can_never_work_is_a_fault(probe: dict[str, Any], path: str, what: str) -> None:
    found = blamed(probe)
    assert list(found) == [path]
    assert what.replace("5m15s", "315s") in found[path]


@pytest.mark.parametrize(
    ("keys", "path", "what"),
    [
        ({"confirm_after": "5m"}, "confirm_after", "not less than deadline 5m"),
        ({"advanced": {"initial_delay": "5m"}}, "advanced.initial_delay", "not less than deadline"),
        ({"advanced": {"initial_delay": "290s"}}, "probes.0.interval", "can never be healthy"),
        ({"advanced": {"p_healthy": "20%"}}, "advanced.p_healthy", "nothing could be told apart"),
        (
            {"advanced": {"latency": {"max_regression": "25%", "min_samples": 3}}},
            "advanced.latency.min_samples",
            "never reach a confidence of 98%",
        ),
        (
            {"deadline": "40s", "advanced": {"latency": {"max_regression": "25%", "min_samples": 50}}},
            "advanced.latency.min_samples",
            "comes first",
        ),
    ],
)
def test_times_and_numbers_that_can_never_work_are_faults(keys: dict[str, Any], path: str, what: str) -> None:
    found = blamed(WEB, **keys)
    assert path in found
    assert what in found[path]


def test_times_are_only_compared_where_there_are_some() -> None:
    found = blamed({"command": ["true"]}, advanced={"latency": {"max_regression": "25%"}})
    assert "no probe measures how long answers take" in found["advanced.latency.max_regression"]


def test_two_probes_have_two_names() -> None:
    assert set(blamed(WEB, WEB)) == {"probes.0", "probes.1"}
    assert set(blamed({**WEB, "name": "a"}, {"tcp": "a:1", "name": "a"})) == {"probes.0.name", "probes.1.name"}
    assert blamed(WEB, {**WEB, "expect": '$.status == "ok"'}) == {}
    assert "20 are asked at most" in blamed(*({"tcp": f"a:{port}"} for port in range(1, 23)))["probes.20"]


def test_a_confirmation_that_comes_late_is_worth_a_warning() -> None:
    assert [path for path, _ in warnings(a_monitor({**WEB, "interval": "5s"}, {"suite": True}))] == [("probes", 0)]
    assert not tuple(warnings(a_monitor(WEB, {"suite": True})))


def test_names_of_hostile_things_are_printable() -> None:
    name = name_of(a_monitor({"command": ["echo", "\x1b[2J" * 50]}).probes[0])
    assert name.isprintable()
    assert len(name) <= 60


def test_a_kind_without_keys_of_others() -> None:
    assert all(name_of(probe) for probe in a_monitor({}, {"tcp": "a:1", "suite": True}).probes)
    with pytest.raises(ValueError, match="one key of one of"):
        made(a_monitor({}))
    assert set(kinds()) <= set(type(a_monitor({}).probes[0]).model_fields)
