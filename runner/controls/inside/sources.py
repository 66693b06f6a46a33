"""What a program can ask to learn that it is under test, or how often or when it runs; used inside the child of `runner.parsing`."""

import re

CLOCK = {
    *(f"time.{name}" for name in ("time", "time_ns", "monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns", "process_time")),
    *(f"time.{name}" for name in ("thread_time", "clock_gettime", "localtime", "gmtime", "ctime", "asctime", "strftime")),
    *(f"datetime.{name}" for name in ("datetime.now", "datetime.today", "datetime.utcnow", "date.today")),
    *("os.times", "resource.getrusage", "email.utils.formatdate", "email.utils.localtime", "django.utils.timezone.now", "pendulum.now"),
    *("arrow.now", "arrow.utcnow"),
}
CHANCE = ("random.", "secrets.", "numpy.random.", "os.urandom", "os.getrandom", "uuid.uuid1", "uuid.uuid4", "_random.")
PLACE = {
    *(
        f"os.{name}"
        for name in ("getuid", "geteuid", "getgid", "getegid", "getlogin", "getpid", "getppid", "getpgid", "getpgrp", "uname", "ctermid")
    ),
    *("getpass.getuser", "socket.gethostname", "socket.getfqdn", "platform.node", "platform.uname", "uuid.getnode", "posix.getuid"),
    *("pwd.getpwuid", "os.getgroups", "os.getsid", "os.getresuid"),
}
ASKED = {"sys.gettrace", "sys.getprofile", "faulthandler.is_enabled"}
"""Calls that tell of a debugger, of coverage, or of pytest, which turns the fault handler on."""
FLAGS = {f"sys.flags.{name}" for name in ("isolated", "ignore_environment", "no_site", "no_user_site", "dont_write_bytecode", "safe_path")}
FLAGS |= {"sys.dont_write_bytecode", "sys.warnoptions"}
COUNTS = {"gc.get_count", "gc.get_stats", "sys.getallocatedblocks", "sys.getrefcount"}
STATE = (
    "sys.modules",
    "sys.argv",
    "sys.orig_argv",
    "sys._getframe",
    "inspect.stack",
    "inspect.currentframe",
    "sys.meta_path",
    "sys.path_hooks",
)
STATE += ("traceback.extract_stack", "traceback.format_stack", "__main__", "sys._current_frames", "inspect.getouterframes", "sys.path")
LOOKUPS = {"importlib.util.find_spec", "importlib.find_loader", "pkgutil.find_loader", "pkgutil.get_loader", "importlib.metadata.version"}
LOOKUPS |= {"importlib.metadata.distribution", "importlib.import_module", "builtins.__import__", "importlib.__import__"}
"""Calls that tell whether a module is there, by its name."""
STACK = {
    *("sys._getframe", "sys._getframemodulename", "sys._current_frames", "sys.settrace", "sys.setprofile", "sys._settraceallthreads"),
    *(f"inspect.{name}" for name in ("stack", "currentframe", "getouterframes", "getinnerframes", "trace", "getframeinfo")),
    *(f"traceback.{name}" for name in ("extract_stack", "format_stack", "print_stack", "walk_stack", "StackSummary.extract")),
    *("gc.get_referrers", "gc.get_objects", "gc.get_referents", "sys.gettrace", "sys.getprofile", "sys.call_tracing", "sys.monitoring"),
    *(
        "threading.settrace",
        "threading.setprofile",
        "threading.settrace_all_threads",
        "threading.setprofile_all_threads",
        "sys.addaudithook",
    ),
}
FRAMES = {"tb_frame", "f_back", "gi_frame", "cr_frame", "ag_frame", "f_trace", "findCaller"}
"""Attributes that lead to frames, whatever they are attributes of."""
HOMES = {"pathlib.Path.home", "os.path.expanduser", "tempfile.gettempdir", "tempfile.gettempdirb", "platformdirs", "appdirs", "xdg"}
HOME_TEXT = re.compile(r"~(/|$)|/(var/)?tmp(/|$)|/dev/shm(/|$)|/run/user/")
HOME_KEYS = {
    "HOME",
    "TMPDIR",
    "TEMP",
    "TMP",
    "XDG_CACHE_HOME",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
    "XDG_STATE_HOME",
    "XDG_RUNTIME_DIR",
    "USERPROFILE",
}

PYTEST_KEY = re.compile(r"(?:.*\W)?PYTEST(_[A-Z_]*)?|.*_CURRENT_TEST|_?CURRENT_TEST|@py_\w+", re.DOTALL)
"""Names of variables of the environment that only a runner sets; a hit wherever they stand."""
RUNNER = re.compile(
    r"_?pytest(\W.*|_\w+)?|py\.test|unittest2?(\..*)?|nose2?(\..*)?|doctest|conftest(\.py)?|.*/conftest\.py|xdist|hypothesis|pluggy"
)
"""Names of runners; a hit where the interpreter's state is asked for, too."""
TESTISH = re.compile(
    r"(?i)_?py\.?t|_pyt?|(?<![a-z])py$|.*(?<![a-z])(tests?|testing)(?![a-z]).*|.*(pytest|unittest|conftest|_test|test_|@py_).*"
)
"""Texts that would tell tests from others, where a state is compared with them."""
CI_KEY = re.compile(
    r"CI|CONTINUOUS_INTEGRATION|BUILD_(NUMBER|ID)|RUN_ID|(GITHUB|GITLAB|JENKINS|TRAVIS|CIRCLE|APPVEYOR|BUILDKITE|TEAMCITY|DRONE|BITBUCKET)\w*"
    r"|TF_BUILD|CODEBUILD_\w+|TOX_\w+|NOX_\w+|COVERAGE_\w+|COV_CORE_\w+|SEATRIAL\w*|(\w+_)?(TEST|TESTS|TESTING|UNITTEST)(_\w+)?"
    r"|HOSTNAME|USER|LOGNAME|USERNAME|KUBERNETES_\w+|container"
)
PLACES = re.compile(
    r"/?\.dockerenv|/\.dockerinit|/run/\.containerenv|/etc/(hostname|machine-id)|/proc/(self|\d+|%\w|\{\w*\})/(cgroup|cmdline|comm|status|environ|mountinfo|mounts|stat|maps|fd)"
    r"|/proc/sys/kernel/hostname|/sys/class/dmi/.*|/var/lib/dbus/machine-id|/sys/fs/cgroup.*"
)
"""Files that tell a container from a host; a hit wherever they stand."""
