"""The record of promotions: each step is on disk before the next begins, and only who owns a promotion may write its steps."""

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from runner.errors import Fenced, StoreUnavailable, UsageError
from runner.model.promotion import Promotion, Step
from runner.model.run import State
from runner.store.database import PATIENCE, Database, Transaction
from runner.store.names import storable
from runner.store.places import claim

if TYPE_CHECKING:
    from sqlalchemy import Row

log = logging.getLogger(__name__)
_WAS_LIVE: Final = (Step.PROMOTED, Step.CONFIRMED, Step.TAKING_BACK, Step.ROLLED_BACK, Step.STUCK)
_HOLDS: Final = (Step.PROMOTED, Step.CONFIRMED, Step.TAKING_BACK, Step.STUCK)


class SqlPromotions:
    """Promotions in the database of the folder `state`, as `runner.ports.Promotions` says."""

    def __init__(self, state: Path, *, patience: float = PATIENCE) -> None:
        self._state = state
        self._database = Database(state, patience=patience)
        self._raised: dict[str, int] = {}

    def now(self) -> float:
        """Seconds since 1970 by the database's clock."""
        with self._database.reading() as transaction:
            if transaction is not None:
                return transaction.now
        claim(self._state)
        with self._database.writing() as transaction:
            return transaction.now

    def find(self, run: str) -> Promotion | None:
        """The promotion of a run."""
        with self._database.reading() as transaction:
            return _of_run(transaction, run) if transaction else None

    def begin(self, promotion: Promotion) -> Promotion:
        """Write the intent down, dated now; the open promotion of another run when one stands in the way, and then nothing is written."""
        from sqlalchemy import delete, insert

        from runner.store.schema import promotions

        claim(self._state)
        with self._database.writing() as transaction:
            other = _open_at(transaction, promotion.target) or _untidied_at(transaction, promotion)
            if other is not None and other.run != promotion.run:
                return other
            earlier = _of_run(transaction, promotion.run)
            if earlier is not None and earlier.step is not Step.ABANDONED:
                raise Fenced(f"run {promotion.run} has a promotion already ({earlier.step})")
            fence = earlier.fence + 1 if earlier else 1
            begun = promotion.model_copy(update={"step": Step.INTENDED, "fence": fence, "intended": transaction.now})
            transaction.connection.execute(delete(promotions).where(promotions.c.run == promotion.run))
            transaction.connection.execute(insert(promotions).values(_row(begun)))
            _told(transaction, begun)
        self._raised[begun.run] = begun.fence
        return begun

    def take(self, promotion: Promotion) -> Promotion:
        """Take over: the promotion with its fence raised by one, so that whoever worked on it before may write nothing more.

        Raises Fenced when somebody else has done so since it was read.
        """
        claim(self._state)
        with self._database.writing() as transaction:
            taken = promotion.model_copy(update={"fence": promotion.fence + 1})
            _write(transaction, taken, promotion.fence)
        self._raised[taken.run] = taken.fence
        return taken

    def owns(self, promotion: Promotion) -> bool:
        """Whether it was this object that raised the fence to where it is."""
        return self._raised.get(promotion.run) == promotion.fence

    def step(self, promotion: Promotion, **changes: Any) -> Promotion:
        """Write down how far it has come; raises Fenced, and writes nothing, when somebody else has taken over."""
        after = Promotion.model_validate({**promotion.model_dump(), **changes})
        with self._database.writing() as transaction:
            _write(transaction, after, promotion.fence)
            if after.step is not promotion.step:
                _told(transaction, after)
        return after

    def check(self, promotion: Promotion) -> None:
        """Right before anything outside is touched: raises Fenced when somebody else has taken over."""
        found = self.find(promotion.run)
        if found is None or found.fence != promotion.fence:
            raise Fenced(f"somebody else has taken over the promotion of run {promotion.run}")

    def last(self, target: str) -> Promotion | None:
        """The last promotion of a target that is or was live there."""
        return self._newest(target, _WAS_LIVE)

    def holder(self, target: str, tree: str) -> Promotion | None:
        """The last promotion of a target, when it made it `tree` and nobody took that back."""
        found = self._newest(target, _HOLDS)
        return found if found and found.after == tree else None

    def standing(self, target: str) -> Promotion | None:
        """The last promotion of a target that nobody took back."""
        return self._newest(target, _HOLDS)

    def open(self) -> tuple[Promotion, ...]:
        """All promotions with something left to do, oldest first."""
        from runner.store.schema import promotions

        query = promotions.select().where(promotions.c.step.in_([step.value for step in Step if step.open])).order_by(promotions.c.number)
        with self._database.reading() as transaction:
            rows = transaction.connection.execute(query).all() if transaction else ()
        found = []
        for row in rows:
            try:
                found.append(_promotion(row))
            except StoreUnavailable as problem:  # one that this version cannot read must not keep it from the others
                log.warning("%s", problem)
        return tuple(found)

    def taken_back(self, target: str, patch_id: str, since: float) -> Promotion | None:
        """The last promotion by which this patch came to the target and was taken back, or got stuck, after `since`."""
        from runner.store.schema import promotions

        bad = (Step.ROLLED_BACK.value, Step.STUCK.value)
        query = promotions.select().where(promotions.c.target == storable(target), promotions.c.patch_id == patch_id)
        query = query.where(promotions.c.step.in_(bad), promotions.c.ended > since).order_by(promotions.c.number.desc())
        with self._database.reading() as transaction:
            rows = transaction.connection.execute(query).all() if transaction else ()
        return next((found for found in map(_promotion, rows) if not found.stopped), None)

    def close(self) -> None:
        """Let go of the database."""
        self._database.close()

    def _newest(self, target: str, steps: tuple[Step, ...]) -> Promotion | None:
        from runner.store.schema import promotions

        query = promotions.select().where(promotions.c.target == storable(target), promotions.c.step.in_([step.value for step in steps]))
        with self._database.reading() as transaction:
            row = transaction.connection.execute(query.order_by(promotions.c.number.desc()).limit(1)).first() if transaction else None
        return _promotion(row) if row is not None else None


def _of_run(transaction: Transaction, run: str) -> Promotion | None:
    from runner.store.schema import promotions

    row = transaction.connection.execute(promotions.select().where(promotions.c.run == run)).first()
    return _promotion(row) if row is not None else None


def _open_at(transaction: Transaction, target: str) -> Promotion | None:
    from runner.store.schema import promotions

    query = promotions.select().where(promotions.c.target == storable(target))
    row = transaction.connection.execute(query.where(promotions.c.step.in_([step.value for step in Step if step.open]))).first()
    return _promotion(row) if row is not None else None


def _untidied_at(transaction: Transaction, wanted: Promotion) -> Promotion | None:
    """The settled promotion of another run that goes on: what it laid beside the target is still to be removed, and only it knows how."""
    from runner.store.schema import promotions, runs

    query = promotions.select().join(runs, runs.c.id == promotions.c.run).where(promotions.c.target == storable(wanted.target))
    settled = promotions.c.step.in_([Step.CONFIRMED.value, Step.ROLLED_BACK.value])
    row = transaction.connection.execute(
        query.where(settled, runs.c.state == State.RUNNING.value, promotions.c.run != wanted.run).limit(1)
    ).first()
    return _promotion(row) if row is not None else None


def _write(transaction: Transaction, promotion: Promotion, fence: int) -> None:
    """Only while the fence is as it was: whoever took over has another. What had ended goes on only where nothing else is under way."""
    from sqlalchemy import update

    from runner.store.schema import promotions

    other = _open_at(transaction, promotion.target) if promotion.step.open else None
    if other is not None and other.run != promotion.run:
        raise UsageError(f"run {other.run} is under way to {promotion.target}", hint=f"Wait for it: `seatrial run wait {other.run}`.")

    values = _row(promotion) | ({} if promotion.step.open else {"ended": transaction.now})
    here = (promotions.c.run == promotion.run, promotions.c.fence == fence)
    if transaction.connection.execute(update(promotions).where(*here).values(values)).rowcount == 0:
        raise Fenced(f"somebody else has taken over the promotion of run {promotion.run}")


def _row(promotion: Promotion) -> dict[str, Any]:
    return {
        "run": promotion.run,
        "target": storable(promotion.target),
        "patch_id": promotion.patch_id,
        "step": promotion.step.value,
        "fence": promotion.fence,
        "deadline": promotion.deadline,
        "body": promotion.model_dump_json(),
    }


def _promotion(row: "Row[Any]") -> Promotion:
    try:
        return Promotion.model_validate_json(row.body)
    except ValueError as problem:
        hint = "It was written by a newer version, or edited: `seatrial audit list` says what happened."
        raise StoreUnavailable(f"the promotion of run {row.run} cannot be read", hint=hint) from problem


def _told(transaction: Transaction, promotion: Promotion) -> None:
    body = {"target": promotion.target, "before": promotion.before, "after": promotion.after, "backup": promotion.backup}
    told = {**body, "fence": promotion.fence, "deadline": promotion.deadline, "note": promotion.note}
    transaction.audit(f"promotion.{promotion.step.value}", promotion.run, told)
