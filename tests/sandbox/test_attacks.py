"""Attacks from inside, each told apart by what the sandbox says of its end."""

import time

import pytest

from runner.model.sandbox import Limits
from runner.model.suite import Stop

pytestmark = pytest.mark.docker
MIB = 2**20

_FORGE = "import os, json\ndef say(**record): os.write(198, (json.dumps(record) + chr(10)).encode())\n"


def test_a_fork_bomb_stops_at_the_process_limit(run):
    execution = run("""
import os, time
count = 0
try:
    while count < 500:
        if os.fork() == 0: time.sleep(60); os._exit(0)
        count += 1
except OSError as problem: print(count, problem.errno, flush=True)
os._exit(0)
""")
    count, number = map(int, execution.log.split())
    assert (execution.stop, execution.exit_code, number) == (Stop.EXITED, 0, 11)
    assert 50 < count < 64
    assert execution.usage.pids_denied >= 1
    assert execution.survivors == count


def test_memory_that_the_suite_takes_beyond_the_limit_is_out_of_memory(run):
    execution = run("x = bytearray(600 * 2**20)")
    assert execution.stop is Stop.OUT_OF_MEMORY
    assert execution.usage.memory_peak > 150 * MIB


def test_a_child_out_of_memory_is_told_even_when_the_suite_ends_well(run):
    execution = run("import subprocess, sys; subprocess.run([sys.executable, '-c', 'bytearray(600 * 2**20)'])")
    assert (execution.stop, execution.exit_code) == (Stop.OUT_OF_MEMORY, 0)


def test_exit_137_by_itself_is_not_out_of_memory(run):
    execution = run("import os; os._exit(137)")
    assert (execution.stop, execution.exit_code, execution.child_status) == (Stop.EXITED, 137, 137)


def test_a_suite_killed_by_a_signal_says_which(run):
    execution = run("import os; os.kill(os.getpid(), 11)")
    assert (execution.stop, execution.exit_code, execution.child_status) == (Stop.EXITED, 139, 139)


@pytest.mark.parametrize("place", ["/work", "/tmp", "/home/sandbox"])
def test_a_full_disk_is_named(run, place):
    execution = run(f"""
import os
try:
    for number in range(9):
        with open("{place}/fill%d" % number, "wb") as file: file.write(bytes(4 * 2**20))
except OSError as problem: print(problem.errno)
""")
    assert (execution.log, execution.usage.disk_full, execution.stop) == ("28\n", place, Stop.EXITED)


def test_too_many_files_are_a_full_disk_too(run):
    execution = run("""
try:
    for number in range(40_000): open("/work/%d" % number, "w").close()
except OSError as problem: print(problem.errno)
""")
    assert (execution.log, execution.usage.disk_full) == ("28\n", "/work")


def test_one_file_may_not_exceed_its_limit(run):
    program = "import os\nfile = os.open('/work/big', os.O_CREAT | os.O_WRONLY)\ntry: os.ftruncate(file, 2**40)\nexcept OSError as e: print(e.errno)"
    assert run(program).log == "27\n"


def test_a_flood_of_output_stops_the_run_and_keeps_both_ends(run):
    execution = run("import sys\nprint('first')\nwhile True: sys.stdout.write('x' * 65536)")
    assert (execution.stop, execution.log_truncated) == (Stop.FLOODED, True)
    assert execution.log.startswith("first\n")
    assert len(execution.log) < 330 * 1024


def test_one_line_of_300_mb_on_the_report_stream_is_a_report_too_large(run):
    execution = run("import os\nfor _ in range(300): os.write(198, b'x' * 2**20)")
    assert execution.stop is Stop.REPORT_TOO_LARGE
    assert run.reader.records == []


def test_many_records_are_a_report_too_large(run):
    execution = run('import os\nwhile True: os.write(198, b\'{"k":"t"}\\n\' * 1000)')
    assert execution.stop is Stop.REPORT_TOO_LARGE


def test_an_endless_loop_that_ignores_termination_ends_at_the_host_s_limit(run):
    before = time.monotonic()
    limits = Limits(memory=192 * MIB, cpus=1, wall=1.5, pids=64, disk=16 * MIB, tmp=8 * MIB)
    execution = run(
        "import signal\nfor n in (1, 2, 15): signal.signal(n, signal.SIG_IGN)\nprint('on', flush=True)\nwhile True: pass", limits=limits
    )
    assert (execution.stop, execution.exit_code, execution.log) == (Stop.TIMED_OUT, 137, "on\n")
    assert 1.5 <= execution.usage.seconds < 5
    assert time.monotonic() - before < 10


def test_a_sleep_without_output_ends_when_it_is_said_to_be_stalled(run):
    asked = []
    execution = run("import time; time.sleep(60)", stalled=lambda: asked.append(1) or len(asked) >= 2)
    assert execution.stop is Stop.STALLED
    assert execution.usage.seconds < 10


def test_what_outlives_the_suite_is_counted_and_killed(run):
    execution = run("""
import os, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        for _ in range(300): time.sleep(0.1); os.write(198, b'{"k":"late"}\\n')
    os._exit(0)
""")
    assert (execution.stop, execution.survivors, execution.child_status) == (Stop.EXITED, 1, 0)


def test_a_child_that_ends_by_itself_a_moment_later_is_no_survivor(run):
    execution = run("import os, time\nif os.fork() == 0: time.sleep(0.3)")
    assert execution.survivors == 0


def test_killing_everything_in_reach_does_not_silence_the_launcher(run):
    execution = run("""
import os, time
if os.fork() == 0: time.sleep(60)
try: os.kill(1, 9)
except PermissionError: pass
os.kill(-1, 9)
raise SystemExit(7)
""")
    assert (execution.exit_code, execution.child_status, execution.survivors) == (7, 7, 0)


def test_the_launcher_and_its_report_are_out_of_reach(run):
    execution = run("""
import os
for path in ("/proc/1/fd/198", "/proc/1/mem", "/proc/1/environ", "/proc/1/maps"):
    try: open(path, "r+b"); print("opened", path)
    except OSError as problem: print(problem.errno)
""")
    assert execution.log == "13\n" * 4


def test_ten_thousand_levels_of_directories_leave_nothing(run, engine):
    execution = run("""
import os
for _ in range(10_000):
    os.mkdir("d"); os.chdir("d")
print("made")
""")
    assert execution.log == "made\n"


def test_the_network_is_out_of_reach_and_loopback_works(run):
    execution = run("""
import socket
for address in ("169.254.169.254", "8.8.8.8", "172.17.0.1"):
    try: socket.create_connection((address, 80), 2)
    except OSError as problem: print(problem.errno)
server = socket.create_server(("127.0.0.1", 0)); socket.create_connection(server.getsockname()); print("loopback")
""")
    assert execution.log == "101\n101\n101\nloopback\n"


def test_the_engine_s_socket_and_the_host_s_files_are_absent(run):
    program = "import os\nfor p in ('/var/run/docker.sock', '/run/containerd/containerd.sock', '/dev/sda', '/dev/kmsg', '/dev/mem'): print(os.path.exists(p))"
    assert run(program).log == "False\n" * 5


def test_forged_launch_and_exit_records_do_not_count(run):
    execution = run(
        _FORGE
        + """
say(k="launch", facts={"uid": 0}, wrong=[], foreign=[])
say(k="file", data="Zm9yZ2Vk")
say(k="exit", status=0, survivors=0, memory_peak=1)
say(k="t", id="real")
raise SystemExit(5)
"""
    )
    assert (execution.exit_code, execution.child_status, execution.report_file) == (5, 5, None)
    assert execution.in_force["uid"] != "0"
    assert execution.usage.memory_peak > 1
    assert [record["k"] for record in run.reader.records] == ["launch", "file", "exit", "t"], "all of them are the suite's own words"


def test_the_report_file_comes_out_and_no_other_kind_of_file_does(run):
    honest = run("open('/tmp/r.xml', 'wb').write(b'<a/>' * 200_000)", report_file="/tmp/r.xml")
    assert honest.report_file == b"<a/>" * 200_000
    for program in (
        "import os; os.symlink('/etc/passwd', '/tmp/r.xml')",
        "import os; os.mkfifo('/tmp/r.xml')",
        "import os; os.mkdir('/tmp/r.xml')",
        "",
    ):
        assert run(program, report_file="/tmp/r.xml").report_file is None
    assert run("open('r', 'w')", report_file="r").report_file == b""


def test_a_report_file_beyond_its_bound_is_a_report_too_large(run):
    execution = run("open('r', 'wb').write(bytes(3 * 2**20))", report_file="r")
    assert (execution.stop, execution.report_file) == (Stop.REPORT_TOO_LARGE, None)


def test_zombies_are_reaped(run):
    execution = run("""
import os, time
for _ in range(300):
    if os.fork() == 0:
        if os.fork() == 0: os._exit(0)
        os._exit(0)
    os.wait()
time.sleep(0.2)
print(sum(open(f"/proc/{p}/stat").read().rpartition(")")[2].split()[0] == "Z" for p in os.listdir("/proc") if p.isdigit()))
""")
    assert execution.log == "0\n"


def test_a_hundred_thousand_arguments_reach_the_suite(run):
    execution = run(argv=("python3", "-c", "import sys; print(len(sys.argv))", *(f"tests/test_a.py::t{n}" for n in range(20_000))))
    assert execution.log == "20001\n"


def test_a_command_that_is_not_there_ends_with_127(run):
    execution = run(argv=("no-such-program",))
    assert (execution.exit_code, execution.child_status) == (127, 127)
    assert "cannot start no-such-program" in execution.log
