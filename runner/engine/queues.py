"""Where legs lie until somebody takes them, and how a process takes no more than it has room for."""

from collections.abc import Callable
from threading import Lock
from typing import Any, Final

from runner.engine.room import Room, is_early, leg_of

MOST: Final = 256
"""What the library is told of a queue that is shared: it keeps one number for all processes, so that each counts by itself."""
_LATE: Final = "late-"
_NOT_SHARED: Final = ("here-", "runs-", _LATE, "_")
"""How the names of queues begin that belong to one process, one state folder, or the library."""


def queue_of(executor: str) -> str:
    """The queue that one process takes from."""
    return f"here-{executor}"


def runs_of(place: str) -> str:
    """The queue that the watchers of a state folder take from, as many legs as they have room for."""
    return f"runs-{place}"


def late_of(place: str) -> str:
    """The queue that they take everything from at once: what takes back, ends, or goes on, and must not wait behind legs that only wait."""
    return f"{_LATE}{place}"


def goes_on_in(name: str, came_from: str, place: str) -> str:
    """The queue in which a leg goes on that was left; `place` is the state folder of whoever left it."""
    if shared(came_from):
        return came_from
    return late_of(place) if came_from.startswith(_LATE) or not is_early(leg_of(name)) else runs_of(place)


def shared(queue: str) -> bool:
    """Whether those of several state folders may take from a queue."""
    return bool(queue) and not queue.startswith(_NOT_SHARED)


def left_by(executor: str) -> list[tuple[str, str]]:
    """What a process carried, and what lay in its own queue; each with the queue that it came from, if it did."""
    from dbos import DBOS

    carried = DBOS.list_workflows(status="PENDING", executor_id=executor, load_input=False, load_output=False)
    queued = DBOS.list_workflows(status="ENQUEUED", queue_name=queue_of(executor), load_input=False, load_output=False)
    return [(each.workflow_id, each.queue_name or "") for each in (*carried, *queued)]


def take_by_room(library: Any, room: Room, queues: tuple[str, ...], lies: Callable[[str], bool]) -> None:
    """Let a process ask for room before it takes from these queues; and look whether anything lies there before it sets about taking it.

    The library has no way to say that of one process: what it knows of a queue it reads from the database, where all of them share it.
    That is what `lies` is for: queues are empty most of the time, and to look costs less than to take.
    """
    database = library._sys_db  # noqa: SLF001 - see above; tests/engine/test_room.py fails when it is no longer there
    take, one_at_a_time = database.start_queued_workflows, Lock()

    def by_room(queue: Any, executor: str, version: str, partition: str | None, running: int = 0, *given: Any, **named: Any) -> Any:
        if not lies(queue.name):
            return [], None
        if queue.name not in queues:
            return take(queue, executor, version, partition, running, *given, **named)
        with one_at_a_time:
            spare = min(room.spare(), MOST)
            if not spare:
                return [], "worker_concurrency"
            taken, why = take(queue, executor, version, partition, MOST - spare, *given, **named)
            room.expect(taken)
        return taken, why

    database.start_queued_workflows = by_room
