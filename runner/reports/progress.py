"""What a person sees on stderr while a run goes on: a live display, one line per stage, or nothing."""

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Self, TextIO

from runner.model.text import cut, printable

if TYPE_CHECKING:
    from rich.progress import TaskID

    from runner.ports import Progress

_LONGEST = 500
_READ = 100
_EVERY = 5.0
"""Seconds between two lines about the same suite, with `-v`."""


class Silent:
    """Says nothing."""

    def stage(self, name: str) -> None:
        """Nothing."""

    def note(self, text: str) -> None:
        """Nothing."""

    def tests(self, side: str, done: int, total: int | None) -> None:
        """Nothing."""

    def probe(self, name: str, said: str) -> None:
        """Nothing."""


class Plain:
    """One line per stage and note; with `verbose`, also how far the suites are, every few seconds."""

    def __init__(self, stream: TextIO, *, verbose: bool = False, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream, self._verbose, self._clock = stream, verbose, clock
        self._began = clock()
        self._said: dict[str, float] = {}
        self._heard: dict[str, str] = {}
        self._lock = threading.Lock()

    def stage(self, name: str) -> None:
        """A line with the seconds since the start."""
        self._say(name)

    def note(self, text: str) -> None:
        """A line with the seconds since the start."""
        self._say(f"note: {text}")

    def tests(self, side: str, done: int, total: int | None) -> None:
        """Now and then a line, when verbose."""
        now = self._clock()
        with self._lock:
            due = self._verbose and (done == total or now - self._said.get(side, -_EVERY) >= _EVERY)
            if due:
                self._said[side] = now
        if due:
            self._say(f"{side}: {counted(done, total)}")

    def probe(self, name: str, said: str) -> None:
        """A line when its answer is another one; when verbose also now and then."""
        now, answer = self._clock(), said.partition(":")[0]
        with self._lock:
            key = f"probe {name}"
            due = self._heard.get(name) != answer or (self._verbose and now - self._said.get(key, -_EVERY) >= _EVERY)
            if due:
                self._heard[name], self._said[key] = answer, now
        if due:
            self._say(f"probe {name}: {said}")

    def _say(self, text: str) -> None:
        text = f"[{self._clock() - self._began:7.2f}s] {cut(printable(text), _LONGEST)}\n"
        with self._lock, suppress(OSError, ValueError):  # nobody listens any more: no reason to stop judging
            self._stream.write(text.encode("ascii", "backslashreplace").decode() if _narrow(self._stream) else text)
            self._stream.flush()


class Live:
    """A spinner with the stage, and a bar per suite; gone when the run is over, so that only the report stays."""

    def __init__(self, stream: TextIO, *, color: bool) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

        console = Console(file=stream, force_terminal=True, no_color=not color, markup=False, highlight=False, emoji=False)
        columns = (
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[count]}", markup=False),
            TimeElapsedColumn(),
        )
        self._display = Progress(*columns, console=console, transient=True, redirect_stdout=False)
        self._tasks: dict[str, TaskID] = {}
        self._current: TaskID | None = None
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        self._display.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._display.stop()

    def stage(self, name: str) -> None:
        """The name beside the spinner."""
        with self._lock:
            if self._current is not None:
                self._display.remove_task(self._current)
            self._current = self._display.add_task(cut(printable(name), 60), total=None, count="")

    def note(self, text: str) -> None:
        """A line above the display, which stays."""
        from rich.text import Text

        self._display.console.print(Text(cut(printable(text), _LONGEST)), style="dim")

    def tests(self, side: str, done: int, total: int | None) -> None:
        """A bar per side."""
        with self._lock:
            task = self._tasks.get(side)
            if task is None:
                task = self._tasks[side] = self._display.add_task(f"  {cut(printable(side), 30)}", total=total, count="")
            self._display.update(task, completed=done, total=total, count=counted(done, total))

    def probe(self, name: str, said: str) -> None:
        """A line per probe, with what it read last."""
        with self._lock:
            task = self._tasks.get(f"probe {name}")
            if task is None:
                task = self._tasks[f"probe {name}"] = self._display.add_task("", total=None, count="")
            self._display.update(task, description=f"  {cut(printable(name), 30)}", count=cut(printable(said), _READ))


def counted(done: int, total: int | None) -> str:
    """`12 of 40 tests`, or `12 tests` while nobody knows how many there are."""
    return f"{done} tests" if total is None else f"{done} of {total} tests"


@contextmanager
def shown(stream: TextIO | None, *, quiet: bool = False, verbose: bool = False, color: bool | None = None) -> Iterator["Progress"]:
    """The right progress for this stream; `color` None means: as the terminal likes; `stream` None: it is closed."""
    if quiet or stream is None:
        yield Silent()
    elif _is_terminal(stream):
        with Live(stream, color=not os.environ.get("NO_COLOR") if color is None else color) as live:
            yield live
    else:
        yield Plain(stream, verbose=verbose)


def _is_terminal(stream: TextIO) -> bool:
    return stream.isatty() and os.environ.get("TERM", "") not in ("", "dumb")


def _narrow(stream: TextIO) -> bool:
    return not (stream.encoding or "").lower().replace("-", "").startswith("utf")
