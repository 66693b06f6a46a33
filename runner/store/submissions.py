"""Runs that are to reach a target: begun before anything happens, carried on by any process, asked for things by people meanwhile."""

import json
from pathlib import Path
from typing import Final, NamedTuple

from runner.crashpoints import crashpoint
from runner.errors import StoreUnavailable, UsageError
from runner.model.run import Run, State
from runner.model.submission import Answer, Submission
from runner.store.database import PATIENCE, Database
from runner.store.names import storable
from runner.store.places import claim
from runner.store.run_rows import BEGAN, begin, beginning

WISHES: Final = ("cancel", "confirm", "rollback")


class Filed(NamedTuple):
    """A submission as it is kept; `leg` counts how often it set out, `expires` is when its hold ends (seconds since 1970)."""

    submission: Submission
    run: Run
    """As its last stage left it."""
    leg: int
    expires: float | None


class SqlSubmissions:
    """Submissions in the database of the folder `state`; every method raises StoreUnavailable when it cannot be used."""

    def __init__(self, state: Path, *, patience: float = PATIENCE) -> None:
        self._state = state
        self._database = Database(state, patience=patience)

    def file(self, submission: Submission) -> str:
        """Begin it, in one transaction with its run; the id of the run that already does the same, or else its own."""
        from sqlalchemy import insert, select

        from runner.store.schema import runs, submissions

        claim(self._state)
        run = submission.run
        query = select(runs.c.id).join(submissions, submissions.c.run == runs.c.id)
        query = query.where(submissions.c.key == submission.key, runs.c.state != State.ENDED.value).order_by(runs.c.number).limit(1)
        values = beginning(run, self._state)
        with self._database.writing() as transaction:
            connection = transaction.connection
            if (same := connection.execute(query).scalar()) is not None:
                return str(same)
            begin(connection, values)
            filed = {"run": run.id, "key": submission.key, "leg": 1, "wish": "", "body": submission.model_dump_json()}
            connection.execute(insert(submissions).values(**filed, expires=None, snapshot=run.model_dump_json()))
            told = {"change": run.change.id, "policy": run.policy.digest, "target": run.target, "gates": run.gates.value}
            transaction.audit(BEGAN, run.id, told | {name: value for name, value in run.author.model_dump().items() if value})
        return run.id

    def load(self, run: str) -> Filed:
        """The submission of a run; raises UsageError when the run is none."""
        from runner.store.schema import submissions

        with self._database.reading() as transaction:
            row = transaction.connection.execute(submissions.select().where(submissions.c.run == run)).first() if transaction else None
        if row is None:
            raise UsageError(f"run {run} was checked, not submitted: it has no target", hint="`seatrial submit` makes runs that have one.")
        try:
            submission, snapshot = Submission.model_validate_json(row.body), Run.model_validate_json(row.snapshot)
        except ValueError as problem:
            raise StoreUnavailable(f"what was submitted as run {run} cannot be read by this version: {problem}") from problem
        return Filed(submission, snapshot, int(row.leg), row.expires)

    def keep(self, run: Run, stage: str) -> None:
        """Write down how far a run has come; nothing once it is held or has ended, which whoever was frozen meanwhile does not know."""
        from sqlalchemy import select, update

        from runner.store.schema import runs, submissions

        with self._database.writing() as transaction:
            connection = transaction.connection
            if connection.execute(select(runs.c.state).where(runs.c.id == run.id)).scalar() != State.RUNNING.value:
                return
            connection.execute(update(submissions).where(submissions.c.run == run.id).values(snapshot=run.model_dump_json()))
            connection.execute(update(runs).where(runs.c.id == run.id).values(stage=stage))
            transaction.tell("run.stage", run.id, {"stage": stage, "attempt": run.attempt})

    def hold(self, run: Run, seconds: float) -> float:
        """Let the hold of a run end so many seconds from now; when that is."""
        from sqlalchemy import update

        from runner.store.schema import submissions

        with self._database.writing() as transaction:
            expires = transaction.now + seconds
            transaction.connection.execute(update(submissions).where(submissions.c.run == run.id).values(expires=expires))
        return expires

    def wish(self, run: str, what: str, who: str = "", reason: str = "") -> None:
        """Ask whoever works on the run for something (WISHES). Raises UsageError for a confirmation where the contrary is under way."""
        from sqlalchemy import select, update

        from runner.store.schema import runs, submissions

        with self._database.writing() as transaction:
            here = submissions.c.run == run
            going = select(submissions.c.wish).join(runs, runs.c.id == submissions.c.run)
            going = going.where(here, runs.c.state != State.ENDED.value)  # what had ended has heard it
            earlier = transaction.connection.execute(going).scalar()
            if what == "confirm" and earlier not in ("", None, "confirm"):
                raise UsageError(f"somebody asked for the {earlier} of run {run}", hint=f"`seatrial audit list --subject {run}` says who.")
            transaction.connection.execute(update(submissions).where(here).values(wish=what))
            transaction.audit(f"run.{what}", run, {"who": who, "reason": reason})

    def wished(self, run: str) -> str:
        """What was asked for since the run set out; empty for nothing."""
        from sqlalchemy import select

        from runner.store.schema import submissions

        with self._database.reading() as transaction:
            query = select(submissions.c.wish).where(submissions.c.run == run)
            return str(transaction.connection.execute(query).scalar() or "") if transaction else ""

    def set_out(self, run: str, leg: int, *, wish: str = "", answer: Answer | None = None) -> int:
        """Let an ended or held leg be followed by the next, once: its number; with what a person answered, in one transaction.

        Raises UsageError when somebody else was first.
        """
        from sqlalchemy import insert, update

        from runner.store.schema import approvals, runs, submissions

        with self._database.writing() as transaction:
            connection = transaction.connection
            here = (submissions.c.run == run, submissions.c.leg == leg)
            if not connection.execute(update(submissions).where(*here).values(leg=leg + 1, wish=wish, expires=None)).rowcount:
                raise UsageError(f"run {run} has moved on meanwhile", hint=f"`seatrial run show {run}` says where it is.")
            again = {"state": State.RUNNING.value, "ending": None, "verdict": None, "ended": None, "report": None, "exit_code": None}
            connection.execute(update(runs).where(runs.c.id == run).values(**again, reason=""))
            if answer is not None:
                said = {"who": storable(answer.who), "reason": storable(answer.reason), "checks": json.dumps(answer.checks)}
                connection.execute(insert(approvals).values({**answer.model_dump(), **said, "at": transaction.now}))
                verb = "approved" if answer.answer == "approve" else "denied"
                transaction.audit(f"run.{verb}", run, answer.model_dump(mode="json", exclude={"at"}))
            transaction.audit("run.resumed", run, {"leg": leg + 1})
        crashpoint("run.set_out")
        return leg + 1

    def approved(self, run: Run) -> tuple[str, ...]:
        """The checks of a run whose hold was approved, for this very patch and policy."""
        from sqlalchemy import select

        from runner.store.schema import approvals

        bound = (approvals.c.patch_id == run.change.patch_id, approvals.c.policy_digest == run.policy.digest)
        query = select(approvals.c.checks).where(approvals.c.run == run.id, approvals.c.answer == "approve", *bound)
        with self._database.reading() as transaction:
            rows = transaction.connection.execute(query).scalars().all() if transaction else ()
        return tuple(dict.fromkeys(check for row in rows for check in json.loads(row)))

    def expired(self) -> tuple[tuple[str, int], ...]:
        """Runs whose hold has ended, with their leg."""
        from sqlalchemy import select

        from runner.store.schema import runs, submissions

        with self._database.reading() as transaction:
            if transaction is None:
                return ()
            query = select(submissions.c.run, submissions.c.leg).join(runs, runs.c.id == submissions.c.run)
            query = query.where(runs.c.state == State.HELD.value, submissions.c.expires <= transaction.now)
            return tuple((str(run), int(leg)) for run, leg in transaction.connection.execute(query))

    def running(self) -> tuple[tuple[str, int], ...]:
        """Runs that are neither held nor ended, with their leg, oldest first."""
        from sqlalchemy import select

        from runner.store.schema import runs, submissions

        query = select(submissions.c.run, submissions.c.leg).join(runs, runs.c.id == submissions.c.run)
        query = query.where(runs.c.state == State.RUNNING.value).order_by(runs.c.number)
        with self._database.reading() as transaction:
            return tuple((str(run), int(leg)) for run, leg in transaction.connection.execute(query)) if transaction else ()

    def close(self) -> None:
        """Let go of the database."""
        self._database.close()
