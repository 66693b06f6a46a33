import json

import pytest

from runner.errors import ImageUnavailable, InfrastructureError
from runner.sandbox import containers, hosts, profile
from runner.sandbox.profile import astray

pytestmark = pytest.mark.docker

_CALLS = r"""
import ctypes, ctypes.util, errno, json, os, platform, socket
libc = ctypes.CDLL(None, use_errno=True)
x86 = platform.machine() == "x86_64"
def call(number, *arguments):
    ctypes.set_errno(0)
    result = libc.syscall(ctypes.c_long(number), *map(ctypes.c_long, arguments))
    return errno.errorcode.get(ctypes.get_errno(), "ok") if result == -1 else "ok"
def family(number, kind=socket.SOCK_STREAM, protocol=0):
    try: socket.socket(number, kind, protocol).close()
    except OSError as problem: return errno.errorcode[problem.errno]
    return "ok"
def attempt(action):
    try: action()
    except OSError as problem: return errno.errorcode[problem.errno]
    return "ok"
numbers = dict(ptrace=101, mount=165, chroot=161, unshare=272, setns=308, bpf=321, userfaultfd=323, keyctl=250, perf_event_open=298,
               memfd_secret=447, modify_ldt=154, io_uring_setup=425, clone3=435, pivot_root=155, open_by_handle_at=304,
               process_vm_readv=310, init_module=175, kexec_load=246) if x86 else dict(
               ptrace=117, mount=40, chroot=51, unshare=97, setns=268, bpf=280, userfaultfd=282, keyctl=219, perf_event_open=241,
               memfd_secret=447, io_uring_setup=425, clone3=435, pivot_root=41, open_by_handle_at=265, process_vm_readv=270,
               init_module=105, kexec_load=104)
arguments = dict(unshare=(0x10000000,), mount=(0, 0, 0, 0, 0))
found = {name: call(number, *arguments.get(name, (0, 0, 0, 0, 0, 0))) for name, number in numbers.items()}
found.update(
    vsock=family(40), packet=family(17, socket.SOCK_RAW), raw=family(2, socket.SOCK_RAW, 1), alg=family(38, 5),
    netlink_audit=family(16, socket.SOCK_RAW, 9), unix=family(1), inet=family(2), inet6=family(10), route=family(16, socket.SOCK_RAW, 0),
    mknod_block=attempt(lambda: os.mknod("/work/b", 0o060600, os.makedev(8, 0))),
    mknod_char=attempt(lambda: os.mknod("/work/c", 0o020600, os.makedev(0, 0))),
    mkfifo=attempt(lambda: os.mkfifo("/work/f")),
    setuid=attempt(lambda: os.setuid(0)), setgroups=attempt(lambda: os.setgroups([0])),
    xattr=attempt(lambda: os.setxattr("/work/kept.txt", "user.a", b"1")),
    write_etc=attempt(lambda: open("/etc/new", "w")), write_root=attempt(lambda: open("/new", "w")),
    core_pattern=attempt(lambda: open("/proc/sys/kernel/core_pattern", "w")), sysrq=attempt(lambda: open("/proc/sysrq-trigger", "w")),
    cgroup=attempt(lambda: os.mkdir("/sys/fs/cgroup/new")), dev=attempt(lambda: open("/dev/new", "w")),
)
import threading
thread = threading.Thread(target=lambda: found.update(threads="ok")); thread.start(); thread.join()
print(json.dumps(found))
"""


def test_dangerous_calls_are_refused_and_the_ones_that_suites_need_work(run):
    execution = run(_CALLS)
    found = json.loads(execution.log)
    for name in ("unix", "inet", "inet6", "route", "mkfifo", "threads"):
        assert found.pop(name) == "ok", name
    assert found.pop("clone3") == "ENOSYS"
    for name in ("write_etc", "write_root"):
        assert found.pop(name) == "EROFS"
    assert {name: answer for name, answer in found.items() if answer not in {"EPERM", "EACCES", "EROFS", "ENOENT"}} == {}


def test_what_is_in_force_is_read_from_inside(run):
    found = run("").in_force
    assert (found["capabilities"], found["no new privileges"], found["seccomp"], found["network"]) == ("0", "1", "2", "['lo']")
    assert found["writable places"] == "['/home/sandbox', '/tmp', '/work']"
    assert (found["memory"], found["swap"], found["pids"], found["cpus"]) == (str(192 * 2**20), "0", "64", "1.0")
    assert found["size of /work"] == str(16 * 2**20)


def test_localhost_has_its_addresses_and_nobody_can_change_that(run):
    found = json.loads(
        run("""
import json, socket
server = socket.create_server(("localhost", 0))
socket.create_connection(("localhost", server.getsockname()[1])).close()
def attempt(action):
    try: action()
    except OSError as problem: return type(problem).__name__
names = sorted({info[4][0] for name in ("localhost", "sandbox") for info in socket.getaddrinfo(name, 80)})
print(json.dumps([names, attempt(lambda: open("/etc/hosts", "a")), attempt(lambda: socket.getaddrinfo("example.invalid", 80))]))
""").log
    )
    assert found[0] in (["127.0.0.1", "::1"], ["127.0.0.1"])
    assert found[1:] == ["OSError", "gaierror"] or found[1:] == ["PermissionError", "gaierror"]


def test_an_engine_that_does_not_see_our_files_gets_the_tree_streamed(run, monkeypatch):
    real = hosts.mount
    monkeypatch.setattr(hosts, "mount", lambda directory, name: {**real(directory, name), "Source": f"{directory}/elsewhere"})
    execution = run("print('up')")
    assert (execution.working_copy, execution.log.strip()) == ("stream", "up")


def test_the_environment_is_an_allow_list(run, monkeypatch):
    monkeypatch.setenv("CANARY", "host")
    found = json.loads(run("import os, json; print(json.dumps(dict(os.environ)))", env={"MINE": "1"}).log)
    found.pop("LC_CTYPE", None)
    assert found.pop("PATH")
    assert found == {
        "HOME": "/home/sandbox",
        "LANG": "C.UTF-8",
        "MINE": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONHASHSEED": "0",
        "SEATRIAL_REPORT_FD": "198",
        "TZ": "UTC",
    }


def test_a_program_in_every_writable_place_can_be_executed(run):
    program = """
import os, subprocess
for place in ("/work", "/tmp", "/home/sandbox"):
    path = place + "/program"
    open(path, "w").write("#!/bin/sh\\necho ran\\n"); os.chmod(path, 0o755)
    subprocess.run([path], check=True)
"""
    assert run(program).log == "ran\n" * 3


@pytest.mark.parametrize("field", ["memory", "capabilities", "seccomp"])
def test_a_sandbox_that_is_not_as_asked_for_starts_nothing(run, monkeypatch, field):
    honest = profile.expected
    monkeypatch.setattr(containers, "expected", lambda *given: {**honest(*given), field: "something else"})
    with pytest.raises(InfrastructureError, match=f"Hardening not in force: {field} is"):
        run("print('ran')")


@pytest.mark.parametrize(("option", "value"), [("ReadonlyRootfs", False), ("Runtime", "")])
def test_an_engine_that_changes_an_option_is_noticed_before_anything_starts(run, monkeypatch, engine, option, value):
    honest = containers.configuration

    def weakened(*given):
        config = honest(*given)
        config["HostConfig"][option] = value
        return config

    monkeypatch.setattr(containers, "configuration", weakened)
    other = next((name for name in engine.info["Runtimes"] if name != engine.info["DefaultRuntime"]), "")
    if option == "Runtime" and not other:
        pytest.skip("the engine has one runtime only")
    with pytest.raises(InfrastructureError, match=f"the engine changed {option}"):
        run("print('ran')", runtime=other)


def test_the_runtime_asked_for_is_the_one_that_runs(run, engine):
    for name in (engine.info["DefaultRuntime"], "io.containerd.runc.v2"):
        if name in engine.info["Runtimes"]:
            assert run("", runtime=name).runtime == name


def test_a_runtime_that_the_engine_does_not_know_is_named(run):
    with pytest.raises(InfrastructureError, match="no-such-runtime"):
        run("print('ran')", runtime="no-such-runtime")


def test_a_missing_image_says_so(run, sandbox, trees, image):
    from runner.model.sandbox import Job

    tree = trees.add({"a": b""})
    absent = image.model_copy(update={"id": "sha256:" + "0" * 64})
    with pytest.raises(ImageUnavailable, match=r"(?i)no such image"):
        sandbox.run(Job(image=absent, base_tree=tree, tree=tree, argv=("true",)), trees, None)


@pytest.mark.parametrize(
    ("variable", "refused"),
    [
        ("PATH=/usr/bin:/bin", False),
        ("PATH=/opt/venv/bin:/workers/bin:/usr/bin", False),
        ("PYTHONPATH=/work/src", False),
        ("PATH=/work/.venv/bin:/usr/bin", True),
        ("PATH=/usr/bin:", True),
        ("PATH=bin:/usr/bin", True),
        ("PATH=/usr/../work/bin", True),
        ("PATH=/tmp", True),
        ("LD_LIBRARY_PATH=/usr/lib:/work/lib", True),
        ("LD_PRELOAD=/dev/shm/x.so", True),
    ],
)
def test_an_image_whose_variables_lead_to_where_a_suite_writes_is_refused(variable, refused):
    assert bool(astray({"Config": {"Env": ["A=1", variable]}})) is refused
