"""What a run's report says of its promotion."""

from datetime import UTC, datetime

from runner.errors import SeatrialError
from runner.model.promotion import Promotion
from runner.model.run import Landed, Run


def landed(run: Run, promotion: Promotion, **more: float | None) -> Run:
    """The run with its promotion as it stands; `more` are seconds that were measured, kept from then on."""
    earlier = {name: getattr(run.promotion, name) for name in ("detection", "recovery")} if run.promotion else {}
    return run.with_(
        promotion=Landed(
            target=promotion.target,
            step=promotion.step,
            method=promotion.method,
            before=promotion.before,
            after=promotion.after,
            commit=str(promotion.details.get("new", "")) if promotion.method == "ref" else "",
            promoted=_time(promotion.promoted),
            deadline=_time(promotion.deadline),
            mixed=promotion.method == "journal",
            note=promotion.note,
            **{**earlier, **more},
        )
    )


def sentence(problem: BaseException) -> str:
    """What went wrong, and what to do, for people."""
    hint = f" ({problem.hint})" if isinstance(problem, SeatrialError) and problem.hint else ""
    return f"{problem}{hint}"


def _time(at: float | None) -> str | None:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds") if at is not None else None
