"""Limits of control groups, from trees laid out as kernels show them."""

from contextlib import suppress

import pytest
from laid_out import GIB, MIB, a_host, in_v1, in_v2, write

from runner.gates.health.cgroups import Groups
from runner.gates.health.kernel import Roots, Unreadable

BIG = {"memory.max": "max", "memory.current": 1, "memory.stat": "inactive_file 0\n", "pids.max": "max", "pids.current": 1}
SMALL = {
    "memory.max": 512 * MIB,
    "memory.current": 300 * MIB,
    "memory.stat": f"anon 1\ninactive_file {100 * MIB}\n",
    "pids.max": 64,
    "pids.current": 16,
    "cpu.max": "150000 100000",
    "cpu.stat": "usage_usec 9000000\nuser_usec 1\n",
}
V1 = {
    "memory": {
        "docker/a": {
            "memory.limit_in_bytes": 512 * MIB,
            "memory.usage_in_bytes": 300 * MIB,
            "memory.stat": f"inactive_file 7\ntotal_inactive_file {100 * MIB}\n",
        },
        "docker": {"memory.limit_in_bytes": 9223372036854771712, "memory.usage_in_bytes": 1},
    },
    "pids": {"docker/a": {"pids.max": 64, "pids.current": 16}},
    "cpu": {"docker/a": {"cpu.cfs_quota_us": 150000, "cpu.cfs_period_us": 100000}},
    "cpuacct": {"docker/a": {"cpuacct.usage": 9_000_000_000}},
}


def test_a_kernel_without_control_groups_limits_nothing(tmp_path):
    groups = Groups(a_host(tmp_path))
    assert (tuple(groups.memory()), tuple(groups.pids()), groups.cpu()) == ((), (), None)


def test_version_2_tells_limits_and_the_working_set(tmp_path):
    groups = Groups(in_v2(tmp_path, "/system.slice/ci", {"system.slice/ci": SMALL, "system.slice": BIG}))
    assert list(groups.memory()) == [(512 * MIB, 200 * MIB, "cgroup /system.slice/ci")]
    assert list(groups.pids()) == [(64, 16, "cgroup /system.slice/ci")]
    assert groups.cpu() == (1.5, 9.0, "cgroup /system.slice/ci")


def test_a_group_further_out_limits_as_well(tmp_path):
    around = {**BIG, "memory.max": 100 * MIB, "memory.current": 90 * MIB, "pids.max": 20, "pids.current": 19, "cpu.max": "max 100000"}
    groups = Groups(in_v2(tmp_path, "/pod/box", {"pod/box": SMALL, "pod": around}))
    assert {limit.source: limit.limit for limit in groups.memory()} == {"cgroup /pod/box": 512 * MIB, "cgroup /pod": 100 * MIB}
    assert {limit.source: limit.used for limit in groups.pids()} == {"cgroup /pod/box": 16, "cgroup /pod": 19}


def test_a_private_namespace_shows_the_own_group_as_the_root(tmp_path):
    groups = Groups(in_v2(tmp_path, "/", {"": SMALL}))
    assert list(groups.memory()) == [(512 * MIB, 200 * MIB, "cgroup /")]


@pytest.mark.parametrize("unified", [False, True])
def test_version_1_and_hybrid_hosts_tell_the_same(tmp_path, unified):
    groups = Groups(in_v1(tmp_path, "/docker/a", V1, unified=unified))
    assert list(groups.memory()) == [(512 * MIB, 200 * MIB, "cgroup /docker/a")]
    assert list(groups.pids()) == [(64, 16, "cgroup /docker/a")]
    assert groups.cpu() == (1.5, 9.0, "cgroup /docker/a")


def test_a_container_on_version_1_has_its_group_at_the_root_of_the_mount(tmp_path):
    here = {name: {"": folders["docker/a"]} for name, folders in V1.items()}
    groups = Groups(in_v1(tmp_path, "/docker/a", here, mounted="/docker/a"))
    assert list(groups.memory()) == [(512 * MIB, 200 * MIB, "cgroup /docker/a")]


@pytest.mark.parametrize("path", ["/../elsewhere", "/else/where", "nowhere", "/docker/../docker/a", ""])
def test_a_group_outside_of_the_mount_is_taken_for_its_root(tmp_path, path):
    groups = Groups(in_v2(tmp_path, path, {"": SMALL, "docker/a": BIG}, mounted="/"))
    assert [limit.limit for limit in groups.memory()] == [512 * MIB]


@pytest.mark.parametrize("file", ["memory.max", "memory.current", "memory.stat"])
@pytest.mark.parametrize("content", [b"", b"garbage", b"-5", b"\xff\xfe\x00", b"9" * 40, b"1 2 3", "٣".encode(), b"1e3"])
def test_garbage_is_unreadable_and_never_a_limit_or_a_crash(tmp_path, file, content):
    groups = Groups(in_v2(tmp_path, "/a", {"a": {**SMALL, file: content}}))
    with pytest.raises(Unreadable):
        list(groups.memory())


@pytest.mark.parametrize("content", [b"", b"garbage", b"max", b"100000", b"1 0", b"x 100000", b"0 0", b"\x00"])
def test_a_garbled_quota_is_unreadable_or_none(tmp_path, content):
    groups = Groups(in_v2(tmp_path, "/a", {"a": {**SMALL, "cpu.max": content}}))
    try:
        found = groups.cpu()
    except Unreadable:
        return
    assert found is None


def test_of_several_quotas_the_smallest_counts(tmp_path):
    inner, outer = ({"cpu.max": f"{quota} 100000", "cpu.stat": "usage_usec 1000000\n"} for quota in (200_000, 50_000))
    assert Groups(in_v2(tmp_path, "/a/b", {"a": outer, "a/b": inner})).cpu() == (0.5, 1.0, "cgroup /a")
    assert Groups(in_v2(tmp_path, "/a/b", {"a": inner, "a/b": outer})).cpu() == (0.5, 1.0, "cgroup /a/b")


@pytest.mark.parametrize(
    "lines", [b"", b"\xff\xfe\n", b"no colons\n", b"::::\n", b"0::\n", b"0::" + b"/a" * 5000 + b"\n", b"4:memory:\x00/\n", b"\n" * 5000]
)
def test_any_membership_is_survived(tmp_path, lines):
    roots = in_v2(tmp_path, "/a", {"a": SMALL})
    write(roots.proc, {"self/cgroup": lines})
    with suppress(Unreadable):
        list(Groups(roots).memory())


@pytest.mark.parametrize(
    "lines", [b"", b" - cgroup2", b"1 2 3 - cgroup2 x y", b"31 23 0:26 / /sys/../etc rw - cgroup2 c rw", b"\xff - cgroup cgroup rw,memory"]
)
def test_any_table_of_mounts_is_survived(tmp_path, lines):
    roots = in_v2(tmp_path, "/a", {"a": SMALL})
    write(roots.proc, {"self/mountinfo": lines})
    with suppress(Unreadable):
        list(Groups(roots).memory())


def test_mount_points_with_spaces_are_found(tmp_path):
    roots = a_host(tmp_path)
    write(roots.proc, {"self/cgroup": "0::/\n", "self/mountinfo": "31 23 0:26 / /sys/fs/c\\040group rw - cgroup2 c rw"})
    write(roots.sys / "fs/c group", SMALL)
    assert [limit.limit for limit in Groups(roots).memory()] == [512 * MIB]


def test_this_machine_is_understood():
    groups = Groups(Roots())
    assert all(limit.limit > 0 for limit in (*groups.memory(), *groups.pids()))
    assert all(limit.used < 1024 * GIB for limit in groups.memory())
    groups.cpu()
