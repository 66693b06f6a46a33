"""A real ledger whose clock stands still until a test moves it, and runs that the gates decide about."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from runner.model.result import Decision, Ending, Result, Verdict
from runner.model.run import Author, Gates, PolicyFacts, Run, SandboxFacts
from runner.ports import Gate, Moment
from runner.store.ledger import SqlLedger
from testing.builders import a_change

START = 1_800_000_000.0
_VERDICTS = {Ending.ACCEPTED: Verdict.ACCEPT, Ending.REJECTED: Verdict.REJECT}


class ClockedLedger(SqlLedger):
    """The ledger of a folder, at the time that a test says; everything else is as in production."""

    def __init__(self, state: Path) -> None:
        super().__init__(state)
        self.now = START

    @contextmanager
    def writing(self) -> Iterator[Moment]:
        with super().writing() as moment:
            moment.now = self.now
            yield moment

    @contextmanager
    def reading(self) -> Iterator[Moment]:
        with super().reading() as moment:
            moment.now = self.now
            yield moment


def a_gated_run(name: str = "run1", *paths: str, target: str = "git:/srv/app", author: str = "", claim: str = "") -> Run:
    return Run(
        id=name,
        started=datetime(2027, 1, 15, 8, tzinfo=UTC),
        repository="/srv/app",
        policy=PolicyFacts(source="builtin:default", digest="d" * 64),
        change=a_change(*paths),
        target=target,
        author=Author(name=author, claim=claim),
        gates=Gates.ENFORCE,
        sandbox=SandboxFacts(),
    )


def ended(run: Run, ending: Ending | None) -> Run:
    """The run with its decision; `None` for held."""
    verdict = _VERDICTS.get(ending, Verdict.HOLD if ending is None else None) if ending else Verdict.HOLD
    return run.with_(decision=Decision(verdict=verdict, ending=ending, reason="because"))


class Gatekeeper:
    """One gate over one ledger, asked and told as the stages do."""

    def __init__(self, gate: Gate, ledger: SqlLedger, options: object, facts: object) -> None:
        self.gate, self.ledger, self.options, self.facts = gate, ledger, options, facts

    def ask(self, run: Run) -> Result:
        """What the gate says, charging nothing."""
        with self.ledger.reading() as moment:
            return self.gate.judge(run, self.facts, moment, self.options)

    def enter(self, run: Run) -> Result:
        """What the gate says; a run that it lets in is charged in the same moment."""
        with self.ledger.writing() as moment:
            answer = self.gate.judge(run, self.facts, moment, self.options)
            if answer.outcome in ("pass", "warn", "hold"):
                self.gate.charge(run, self.facts, moment, self.options)
            return answer

    def leave(self, run: Run, ending: Ending | None) -> None:
        """The run ended."""
        with self.ledger.writing() as moment:
            self.gate.settle(ended(run, ending), moment, self.options)
