"""A sample of the machine: what is there, what is not, and that nothing void ever passes for a value."""

import shutil
from pathlib import Path

import pytest
from laid_out import GIB, MIB, a_host, in_v2, write
from moments import Engine

from runner.gates.health import machine
from runner.gates.health.kernel import Roots, Unreadable
from runner.gates.health.sampling import take
from runner.gates.health.signals import SIGNALS, Cpu, Sample, Status, from_body, to_body
from runner.model.threshold import Unit

SMALL = {"memory.max": 512 * MIB, "memory.current": 300 * MIB, "memory.stat": "inactive_file 0\n", "pids.max": 64, "pids.current": 60}
QUOTA = {"cpu.max": "50000 100000", "cpu.stat": "usage_usec 9000000\n"}


def sample(roots: Roots, tmp_path, *, earlier=(), wait: bool = False, ping=lambda: 0.001) -> Sample:
    return take(roots, {"state": tmp_path / "not" / "there", "cache": tmp_path}, ping, earlier=earlier, wait=wait)


def shares(found: Sample, name: str) -> dict[str, float]:
    return {value.source: round(value.values[Unit.SHARE], 4) for value in found.readings[name].values}


def test_this_machine_tells_every_signal(tmp_path):
    first = take(Roots(), {"state": tmp_path}, lambda: 0.001, earlier=(), wait=True)
    assert first.boot
    assert first.uptime > 0
    assert set(first.readings) == set(SIGNALS)
    for name, reading in first.readings.items():
        assert reading.status in (Status.READ, Status.ABSENT), (name, reading)
        assert all(0 <= value.values.get(Unit.SHARE, 0) <= 1 for value in reading.values), name
    assert first.readings["cpu"].status is Status.READ


def test_a_sample_survives_the_store(tmp_path):
    found = sample(a_host(tmp_path), tmp_path)
    again = from_body(to_body(found))
    assert again is not None
    assert again._replace(readings={}) == found._replace(readings={})
    kept = {name: reading for name, reading in found.readings.items() if reading.status is not Status.ABSENT}
    assert {name: reading.status for name, reading in again.readings.items()} == {name: reading.status for name, reading in kept.items()}
    assert shares(again, "memory_available") == shares(found, "memory_available") == {"host": 0.5}


def test_the_limit_of_a_container_counts_beside_the_hosts_total(tmp_path):
    found = sample(in_v2(tmp_path, "/box", {"box": SMALL}), tmp_path)
    assert shares(found, "memory_available") == {"host": 0.5, "cgroup /box": round(212 / 512, 4)}
    assert {value.values[Unit.SIZE] for value in found.readings["memory_available"].values} == {8 * GIB, 212 * MIB}
    assert shares(found, "pids_free") == {"host": round(1 - 300 / 32768, 4), "cgroup /box": 0.0625}


def test_a_limit_above_what_the_host_has_is_no_limit(tmp_path):
    found = sample(in_v2(tmp_path, "/box", {"box": {**SMALL, "memory.max": 64 * GIB}}), tmp_path)
    assert list(shares(found, "memory_available")) == ["host"]


def test_a_container_in_which_everything_is_used_has_nothing_left(tmp_path):
    full = {**SMALL, "memory.max": 0, "pids.max": 0}
    found = sample(in_v2(tmp_path, "/box", {"box": full}), tmp_path)
    assert (shares(found, "memory_available")["cgroup /box"], shares(found, "pids_free")["cgroup /box"]) == (0.0, 0.0)


def test_the_pressure_of_the_own_group_counts_beside_the_hosts(tmp_path):
    own = "some avg10=0.00 avg60=80.00 avg300=0 total=1\nfull avg10=50.00 avg60=70.00 avg300=0 total=1\n"
    found = sample(in_v2(tmp_path, "/box", {"box": {**SMALL, **{f"{name}.pressure": own for name in ("cpu", "io", "memory")}}}), tmp_path)
    assert shares(found, "psi_memory") == {"host": 0.01, "cgroup /box": 0.5}
    assert shares(found, "psi_io") == {"host": 0.01, "cgroup /box": 0.7}
    assert shares(found, "psi_cpu") == {"host": 0.03, "cgroup /box": 0.8}


def test_a_kernel_without_pressure_averages_does_not_offer_them(tmp_path):
    found = sample(a_host(tmp_path, pressure=False), tmp_path)
    for name in ("psi_memory", "psi_io", "psi_cpu"):
        assert found.readings[name].status is Status.ABSENT
        assert "no pressure averages" in found.readings[name].why


def test_an_old_kernel_has_no_full_line_for_the_cpu(tmp_path):
    roots = a_host(tmp_path)
    write(roots.proc, {"pressure/cpu": "some avg10=1.00 avg60=2.00 avg300=3.00 total=4\n"})
    assert shares(sample(roots, tmp_path), "psi_cpu") == {"host": 0.02}


@pytest.mark.parametrize("name", ["meminfo", "loadavg", "pressure/io", "sys/kernel/pid_max", "self/cgroup", "stat", "uptime"])
@pytest.mark.parametrize(
    "content", [b"", b"\x00" * 100, b"\xff\xfe garbage", b"full avg60=nan\n", b"9" * 5000, b"a b c d e\n", b"1/2 -1/-2 x 3/x\n"]
)
def test_garbage_in_the_kernels_files_is_unknown_and_never_a_crash_or_a_value(tmp_path, name, content):
    roots = a_host(tmp_path)
    write(roots.proc, {name: content})
    found = sample(roots, tmp_path)
    touched = {"meminfo": "memory_available", "loadavg": "pids_free", "pressure/io": "psi_io", "sys/kernel/pid_max": "pids_free"}
    if name in touched:
        assert found.readings[touched[name]].status is Status.UNREADABLE, found.readings[touched[name]]
    assert from_body(to_body(found)) is not None


def test_a_limit_that_cannot_be_read_makes_the_signal_unknown_even_if_the_host_has_plenty(tmp_path):
    found = sample(in_v2(tmp_path, "/box", {"box": {**SMALL, "memory.max": "???"}}), tmp_path)
    assert found.readings["memory_available"].status is Status.UNREADABLE
    assert found.readings["pids_free"].status is Status.READ


def test_files_that_are_folders_are_unknown(tmp_path):
    roots = a_host(tmp_path)
    (roots.proc / "pressure/io").unlink()
    (roots.proc / "pressure/io").mkdir()
    assert sample(roots, tmp_path).readings["psi_io"].status is Status.UNREADABLE


def test_who_cannot_tell_what_limits_it_knows_nothing_that_may_be_limited(tmp_path):
    roots = a_host(tmp_path)
    (roots.proc / "self/cgroup").mkdir()
    found = sample(roots, tmp_path)
    for name in ("memory_available", "pids_free", "psi_memory", "psi_io", "psi_cpu"):
        assert found.readings[name].status is Status.UNREADABLE, name
    assert found.readings["disk_free"].status is Status.READ


@pytest.mark.parametrize("available", ["MemAvailable: 0 kB", "MemAvailable: 99999999999 kB\nMemFree: 99999999999 kB"])
def test_a_void_reading_of_memory_is_no_reading(tmp_path, available):
    roots = a_host(tmp_path)
    write(
        roots.proc,
        {
            "meminfo": f"MemTotal: 1000 kB\nMemFree: 0 kB\nBuffers: 0 kB\nCached: 0 kB\nShmem: 0 kB\nActive: 0 kB\nInactive: 0 kB\n{available}\n"
        },
    )
    with pytest.raises(Unreadable):
        machine.memory(roots.proc)


def test_the_first_reading_of_the_cpu_is_never_a_value(tmp_path, monkeypatch):
    import psutil

    monkeypatch.setattr(psutil, "cpu_percent", lambda *_, **__: pytest.fail("cpu_percent begins with a void 0.0"))
    monkeypatch.setattr(psutil, "cpu_times_percent", lambda *_, **__: pytest.fail("so does cpu_times_percent"))
    found = sample(a_host(tmp_path), tmp_path)
    assert found.readings["cpu"].status is Status.ABSENT
    assert not found.readings["cpu"].values
    assert "cpu" not in to_body(found)["read"]


def before(roots: Roots, tmp_path, **changed) -> Sample:
    return sample(roots, tmp_path)._replace(**changed)


@pytest.mark.parametrize(
    ("changed", "share"),
    [
        ({"uptime": 4999.0, "cpu": Cpu(10.0, 90.0)}, 0.5),
        ({"uptime": 4100.0, "cpu": Cpu(10.0, 90.0)}, 0.5),
        ({"uptime": 4999.5, "cpu": Cpu(10.0, 90.0)}, None),
        ({"uptime": 4099.0, "cpu": Cpu(10.0, 90.0)}, None),
        ({"uptime": 5001.0, "cpu": Cpu(10.0, 90.0)}, None),
        ({"uptime": 4990.0, "cpu": Cpu(10.0, 90.0), "boot": "another"}, None),
        ({"uptime": 4990.0, "cpu": Cpu(10.0, 90.0), "boot": ""}, None),
        ({"uptime": 4990.0, "cpu": None}, None),
        ({"uptime": 4990.0, "cpu": Cpu(99.0, 90.0)}, None),
        ({"uptime": 4990.0, "cpu": Cpu(10.0, 100.0)}, None),
        ({"uptime": 4990.0, "cpu": Cpu(10.0, 200.0)}, None),
    ],
)
def test_use_of_the_cpu_needs_two_readings_of_one_boot_that_are_neither_too_near_nor_too_far(tmp_path, changed, share):
    """The machine's counters are at 15s busy of 100s."""
    roots = a_host(tmp_path)
    found = sample(roots, tmp_path, earlier=(before(roots, tmp_path, **changed),)).readings["cpu"]
    assert found.status is (Status.READ if share is not None else found.status)
    assert [value.values[Unit.SHARE] for value in found.values] == ([] if share is None else [pytest.approx(share)])


def test_the_newest_reading_that_fits_is_the_one_to_compare_with(tmp_path):
    roots = a_host(tmp_path)
    cpus = [(4100.0, Cpu(0.0, 0.0)), (4990.0, Cpu(10.0, 90.0)), (4999.9, Cpu(15.0, 100.0))]
    earlier = [before(roots, tmp_path, uptime=uptime, cpu=cpu) for uptime, cpu in cpus]
    assert shares(sample(roots, tmp_path, earlier=earlier), "cpu") == {"host": 0.5}


def test_use_of_the_cpu_is_told_of_the_quota_as_well(tmp_path):
    roots = in_v2(tmp_path, "/box", {"box": {**SMALL, **QUOTA}})
    earlier = before(roots, tmp_path, uptime=4990.0, cpu=Cpu(10.0, 90.0, 5.0, 0.5))
    assert shares(sample(roots, tmp_path, earlier=(earlier,)), "cpu") == {"host": 0.5, "cgroup": 0.8}


def test_a_limit_for_the_cpu_waits_for_a_second_reading_and_no_other_policy_does(tmp_path, monkeypatch):
    slept: list[float] = []
    monkeypatch.setattr("runner.gates.health.sampling.time.sleep", slept.append)
    sample(a_host(tmp_path), tmp_path)
    assert slept == []
    found = sample(a_host(tmp_path), tmp_path, wait=True)
    assert slept == [0.25]
    assert found.readings["cpu"].status is Status.UNREADABLE, "counters that stand still are no 0%"


def test_an_engine_that_does_not_answer_is_silent(tmp_path):
    found = sample(a_host(tmp_path), tmp_path, ping=Engine(None).ping)
    assert found.readings["docker_ping"].status is Status.SILENT
    assert "nobody is there" in found.readings["docker_ping"].why


def test_folders_of_one_file_system_are_told_once_and_missing_ones_by_their_parent(tmp_path):
    (value,) = sample(a_host(tmp_path), tmp_path).readings["disk_free"].values
    assert value.source == f"{tmp_path} (state, cache)"
    disk = shutil.disk_usage(tmp_path)
    assert value.values[Unit.SIZE] == pytest.approx(disk.free, rel=0.05)
    assert value.values[Unit.SHARE] == pytest.approx(disk.free / (disk.used + disk.free), rel=0.05), (
        "as df counts, without what is reserved"
    )


def test_a_file_system_without_inodes_does_not_offer_them(tmp_path):
    found = take(a_host(tmp_path), {"state": Path("/proc")}, lambda: 0.001, earlier=(), wait=False)
    assert found.readings["inodes_free"].status is Status.ABSENT


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"boot": "b", "up": 1, "load": None, "cpu": None, "read": [], "not": {}},
        {"boot": "b", "up": "x", "load": None, "cpu": None, "read": {}, "not": {}},
        {"boot": "b", "up": float("nan"), "load": None, "cpu": None, "read": {}, "not": {}},
        {"boot": "b", "up": 1, "load": None, "cpu": [1, "2"], "read": {}, "not": {}},
        {"boot": "b", "up": 1, "load": None, "cpu": [1, 2, 3, 4, 5, 6], "read": {}, "not": {}},
        {"boot": "b", "up": 1, "load": None, "cpu": None, "read": {"cpu": [[{"furlong": 1}, "host"]]}, "not": {}},
        {"boot": "b", "up": 1, "load": None, "cpu": None, "read": {"cpu": [[{"share": True}, "host"]]}, "not": {}},
        {"boot": "b", "up": 1, "load": None, "cpu": None, "read": {"cpu": [[1]]}, "not": {}},
        {"boot": "b", "up": 1, "load": None, "cpu": None, "read": {}, "not": {"cpu": ["odd", ""]}},
    ],
)
def test_a_row_that_is_no_sample_is_none(body):
    assert from_body(body) is None
