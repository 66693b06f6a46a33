"""Shifts the clock of this interpreter, before anything of the project is imported.

A text for the sandbox's own Python (3.8 or newer, standard library only), executed by probe_calls.py. The types of `datetime`
stay what they are: `now` and `utcnow` are replaced in the type's own dictionary, so that `isinstance`, `type(x) is datetime`,
pickling, subclasses and the C interface hold. What cannot be had this way: clocks that C extensions and child processes read,
times of files, `uuid1`; and who looks sees that these functions are no longer builtin ones, and cannot pickle them.
"""

import datetime as dt
import gc
import sys
import time
import warnings

BILLION = 10**9


class Clock:
    """Replacements as bound methods: these are not bound again when a class holds one, just as builtin functions are not."""

    def __init__(self, shift):
        self._shift, self._nanoseconds = float(shift), int(shift * BILLION)
        self._real = {name: getattr(time, name) for name in NAMES if hasattr(time, name)}

    def time(self):
        return self._real["time"]() + self._shift

    def time_ns(self):
        return self._real["time_ns"]() + self._nanoseconds

    def localtime(self, seconds=None):
        return self._real["localtime"](self.time() if seconds is None else seconds)

    def gmtime(self, seconds=None):
        return self._real["gmtime"](self.time() if seconds is None else seconds)

    def ctime(self, seconds=None):
        return self._real["ctime"](self.time() if seconds is None else seconds)

    def asctime(self, *moment):
        return self._real["asctime"](*(moment or [self.localtime()]))

    def strftime(self, form, *moment):
        return self._real["strftime"](form, *(moment or [self.localtime()]))

    def clock_gettime(self, which):
        return self._real["clock_gettime"](which) + (self._shift if which == time.CLOCK_REALTIME else 0)

    def clock_gettime_ns(self, which):
        return self._real["clock_gettime_ns"](which) + (self._nanoseconds if which == time.CLOCK_REALTIME else 0)

    def replace(self):
        for name in self._real:
            setattr(time, name, getattr(self, name))


NAMES = ("time", "time_ns", "localtime", "gmtime", "ctime", "asctime", "strftime", "clock_gettime", "clock_gettime_ns")


def replaced_in(names, clock):
    """Put `now` and `utcnow` into the dictionary of `datetime.datetime`."""

    def moment(cls, zone):
        whole = clock.time_ns() // 1000
        found = cls.fromtimestamp(whole // 10**6, zone)
        return found.replace(microsecond=whole % 10**6)

    def now(cls, tz=None):
        """Returns new datetime object representing current time local to tz."""
        return moment(cls, tz)

    def utcnow(cls):
        """Return a new datetime representing UTC day and time."""
        if sys.version_info >= (3, 12):
            said = (
                "datetime.datetime.utcnow() is deprecated and scheduled for removal in a future version. "
                "Use timezone-aware objects to represent datetimes in UTC: datetime.datetime.now(datetime.UTC)."
            )
            warnings.warn(said, DeprecationWarning, stacklevel=2)
        return moment(cls, dt.timezone.utc).replace(tzinfo=None)

    names["now"], names["utcnow"] = classmethod(now), classmethod(utcnow)


def shift(seconds):
    """Shift every clock that pure Python can; gives whether `datetime` follows."""
    clock = Clock(seconds)
    before = clock.time()
    clock.replace()  # `date.today` and `datetime.today` ask `time.time`
    try:
        (names,) = (found for found in gc.get_referents(dt.datetime.__dict__) if type(found) is dict)
        replaced_in(names, clock)
        for name in ("_clear_internal_caches", "_clear_type_cache"):
            if hasattr(sys, name):
                getattr(sys, name)()
                break
        moments = [dt.datetime.now().timestamp(), dt.datetime.now(dt.timezone.utc).timestamp()]  # noqa: DTZ005  that is the question
        days = (dt.date.today() - dt.date.fromtimestamp(before)).days  # noqa: DTZ011, DTZ012
        return all(abs(moment - before) < 60 for moment in moments) and 0 <= days <= 1
    except Exception:  # another implementation of Python
        return False
