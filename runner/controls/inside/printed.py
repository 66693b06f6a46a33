"""The standard output of a plain program, with a file of ours behind it: what a call printed can be read, by whichever way.

A text for the sandbox's own Python (3.8 or newer, standard library only), executed by probe_calls.py with a copy of the builtins.
`sys.stdout` is the interpreter's own, with its name, mode and number; only the file under that number is another. Nothing of that
is safe from the called code, which can only make itself differ from the base.
"""

import fcntl
import os
import sys
import tempfile

_pread, _lseek, _dup2, _close, _fstat, _inheritable = os.pread, os.lseek, os.dup2, os.close, os.fstat, os.set_inheritable
_stdout = sys.stdout
NUMBER = 1
MOST = 64 * 2**20
"""Bytes that one call can print; it is told of a fault when it prints more, as on a full disk."""


def _file():
    """A new file without a name that cannot grow beyond what is let."""
    try:
        fd = os.memfd_create("stdout", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        os.ftruncate(fd, MOST)
        fcntl.fcntl(fd, fcntl.F_ADD_SEALS, fcntl.F_SEAL_GROW)
    except (AttributeError, OSError):  # this C library or this kernel has none
        return os.open(tempfile.gettempdir(), os.O_TMPFILE | os.O_RDWR, 0o600)
    return fd


class Printed:
    """What was printed since `begin`: of what is longer than `longest` bytes the start is kept, the rest counted."""

    def __init__(self, longest):
        self._longest, self._known = longest, None
        _stdout.reconfigure(encoding="utf-8")
        self._lay()

    def _lay(self):
        fd = _file()
        if fd == NUMBER:  # it was free: the called code has closed it
            _inheritable(fd, True)
        else:
            _dup2(fd, NUMBER)
            _close(fd)
        self._known = self._identity()

    @staticmethod
    def _identity():
        try:
            status = _fstat(NUMBER)
        except OSError:
            return None
        return status.st_dev, status.st_ino

    @staticmethod
    def _flush():
        try:
            _stdout.flush()
        except BaseException:  # closed, or full: what is left in its buffer goes with the next one
            return

    def begin(self):
        """Start anew, with the interpreter's own `sys.stdout`."""
        sys.stdout = sys.__stdout__ = _stdout
        if self._identity() != self._known:
            self._lay()
        _lseek(NUMBER, 0, os.SEEK_SET)
        self._flush()
        _lseek(NUMBER, 0, os.SEEK_SET)

    def text(self):
        """What was printed."""
        self._flush()
        sys.stdout = sys.__stdout__ = _stdout
        try:
            size = _lseek(NUMBER, 0, os.SEEK_CUR)
            start = _pread(NUMBER, min(size, self._longest), 0) if size else b""
        except OSError:
            return ""
        text = start.decode("utf-8", "replace")
        return text if size <= self._longest else "%s... (%d bytes)" % (text, size)
