"""What a program can ask to learn that it is under test, or how often or when it runs; used inside the child of `runner.parsing`."""

import re

CLOCK = {
    *(f"time.{name}" for name in ("time", "time_ns", "monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns", "process_time")),
    *(f"time.{name}" for name in ("process_time_ns", "thread_time", "thread_time_ns", "clock_gettime", "clock_gettime_ns")),
    *(f"time.{name}" for name in ("localtime", "gmtime", "ctime", "asctime", "strftime")),
    *(f"datetime.{name}" for name in ("datetime.now", "datetime.today", "datetime.utcnow", "date.today")),
    *("os.times", "resource.getrusage", "email.utils.formatdate", "email.utils.localtime", "django.utils.timezone.now", "pendulum.now"),
    *("arrow.now", "arrow.utcnow", "http.cookiejar.time2isoz", "http.cookiejar.time2netscape"),
    *(f"asyncio.{name}().time" for name in ("get_event_loop", "get_running_loop", "new_event_loop")),
}
RECORDS = {"logging.makeLogRecord", "logging.LogRecord"}
RECORD_TIMES = {"created", "msecs", "relativeCreated", "asctime"}
"""What makes records of a log, and their attributes that are the clock's."""
CHANCE = ("random.", "secrets.", "numpy.random.", "os.urandom", "os.getrandom", "uuid.uuid1", "uuid.uuid4", "_random.")
PLACE = {
    *(
        f"os.{name}"
        for name in ("getuid", "geteuid", "getgid", "getegid", "getlogin", "getpid", "getppid", "getpgid", "getpgrp", "uname", "ctermid")
    ),
    *("getpass.getuser", "socket.gethostname", "socket.getfqdn", "platform.node", "platform.uname", "uuid.getnode", "posix.getuid"),
    *("pwd.getpwuid", "os.getgroups", "os.getsid", "os.getresuid"),
}
ASKED = {"sys.gettrace", "sys.getprofile", "faulthandler.is_enabled", "signal.getitimer"}
"""Calls that tell of a debugger, of coverage, of pytest, which turns the fault handler on, or of a limit of time."""
ALARMS = {"SIGALRM", "SIGVTALRM", "SIGPROF"}
"""Signals whose handlers tell whether somebody measures; that of Ctrl-C is honestly asked for."""
LOADED = re.compile(r"builtins\.\w+\.__subclasses__")
"""Calls that tell how much was imported."""
FLAGS = {f"sys.flags.{name}" for name in ("isolated", "ignore_environment", "no_site", "no_user_site", "dont_write_bytecode", "safe_path")}
FLAGS |= {"sys.flags.hash_randomization", "sys.flags", "sys.flags[]", "sys.dont_write_bytecode", "sys.warnoptions"}
FIRST = {"sys.__stdout__", "sys.__stderr__", "sys.__stdin__", "sys.__unraisablehook__", "sys.__breakpointhook__", "sys.__displayhook__"}
FIRST |= {"threading.__excepthook__"}
"""What a runner puts something else in the place of; compared with what is there now, they tell of one."""
STREAMS = {"sys.stdout", "sys.stderr", "sys.stdin"}
STREAM = re.compile(
    r"sys\.std(out|err|in)(\.buffer)?(\.raw)?\.(name|mode|__class__)|sys\.std(out|err)\.__module__|sys\.std(out|err|in)\.buffer\.raw"
)
"""What tells the interpreter's own streams from those of a runner."""
COUNTS = {"gc.get_count", "gc.get_stats", "gc.get_freeze_count", "sys.getallocatedblocks", "sys.getrefcount", "sys.getunicodeinternedsize"}
ITERATORS = {"iter", "map", "zip", "filter", "enumerate", "reversed"}
COUNTERS = {f"builtins.{name}()" for name in ITERATORS}
"""Calls whose answer, kept, tells by its next item how often it was asked; those of `itertools` are, too."""
TIMERS = {"threading.Timer": 0, "signal.alarm": 0, "signal.setitimer": 1, "sched.scheduler().enter": 0, "call_later": 0, "call_at": 0}
"""Calls that have something done later, and which of their arguments is the delay; `call_later` whatever it is a method of."""
LONG = 60
"""Seconds of a written-out delay that no trial waits for."""
LATE, LAST, FAR = 1798761600, 7258118400, 10**11
"""From the first to the second (2027 to 2200) a number of seconds is a moment still to come; from the third on it is in smaller units."""
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
READING = {"builtins.open", "io.open", "codecs.open", "tokenize.open", "os.open", "os.stat", "os.path.getsize", "os.path.getmtime"}
READING |= {"linecache.getlines", "linecache.getline", "pkgutil.get_data", "filecmp.cmp", "py_compile.compile", "os.path.getctime"}
READS = {"read_text", "read_bytes", "open", "stat", "get_data", "get_source"}
"""Functions and methods that tell what is in a file, or how much."""
OWN = {"inspect.getsource", "inspect.getsourcelines", "inspect.findsource"}
OWN_CODE = {"co_code", "co_consts", "co_names", "co_lnotab", "co_linetable", "co_lines", "co_firstlineno", "co_stacksize", "co_positions"}
"""Calls and attributes that tell how a function of this very file is written, which a control may alter."""
OWN_TEXT = re.compile(r".*\.py[co]?|.*\*\.py\*?", re.DOTALL)
HOMES = {"pathlib.Path.home", "os.path.expanduser", "tempfile.gettempdir", "tempfile.gettempdirb", "platformdirs", "appdirs", "xdg"}
STARRED = {"time", "datetime", "os", "sys", "random", "secrets", "uuid", "socket", "getpass", "platform", "inspect", "traceback", "gc"}
STARRED |= {"itertools", "tempfile", "threading", "signal", "resource", "logging", "logging.handlers", "importlib", "pathlib", "os.path"}
STARRED |= {"asyncio", "sched", "hashlib", "zlib", "binascii", "email.utils", "http.cookiejar", "functools", "operator", "linecache", "pwd"}
"""Modules of the standard library whose names are told where all of them are imported by a star."""
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
    r"|PYTHONHASHSEED|PYTHONDONTWRITEBYTECODE|TF_BUILD|CODEBUILD_\w+|TOX_\w+|NOX_\w+|COVERAGE_\w+|COV_CORE_\w+|SEATRIAL\w*|(\w+_)?(TEST|TESTS|TESTING|UNITTEST)(_\w+)?"
    r"|HOSTNAME|USER|LOGNAME|USERNAME|KUBERNETES_\w+|container"
)
PLACES = re.compile(
    r"/?\.dockerenv|/\.dockerinit|/run/\.containerenv|/etc/(hostname|machine-id)|/proc/(self|\d+|%\w|\{\w*\})/(cgroup|cmdline|comm|status|environ|mountinfo|mounts|stat|maps|fd)"
    r"|/proc/sys/kernel/hostname|/sys/class/dmi/.*|/var/lib/dbus/machine-id|/sys/fs/cgroup.*"
)
"""Files that tell a container from a host; a hit wherever they stand."""
TOLD = {name.partition(".")[0] for group in (CLOCK, PLACE, ASKED, FLAGS, COUNTS, STATE, LOOKUPS, STACK, CHANCE, STARRED) for name in group}
"""Modules that tell something; of two that a name stands for, the one that does."""
