"""What a process says of the runs that it carries."""

from runner.ports import Progress


class Voice:
    """What this process says of the runs that it carries: of its own plainly, of those that it took over with their names."""

    def __init__(self, progress: Progress, mine: str) -> None:
        self.mine = mine
        self._progress = progress

    def __call__(self, run: str) -> Progress:
        """Where to say what happens to a run."""
        return self._progress if run == self.mine else Named(run, self._progress)


class Named:
    """Says what happens to one run of many."""

    def __init__(self, run: str, progress: Progress) -> None:
        self._run, self._progress = run, progress

    def stage(self, name: str) -> None:
        """A stage of it began."""
        self._progress.note(f"run {self._run}: {name}")

    def note(self, text: str) -> None:
        """One sentence about it."""
        self._progress.note(f"run {self._run}: {text}")

    def tests(self, side: str, done: int, total: int | None) -> None:
        """Too much where there are many."""

    def probe(self, name: str, said: str) -> None:
        """What a probe of its promotion has just read."""
        self._progress.probe(f"{name} of run {self._run}", said)
