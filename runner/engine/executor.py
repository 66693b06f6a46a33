"""Carries runs so that each goes on at its step, in this process or another, whatever dies on the way.

A run's leg is one workflow of the library, each of its stages one step: what a step came to is on disk before the next begins. The
library recovers only what a process of the same id left; the rest is here: who is dead (`runner.store.executors`), and which queue its
work goes on in. Every process polls the library's internal queue, so nothing may ever lie there.
"""

import logging
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack, suppress
from contextvars import Context
from functools import wraps
from pathlib import Path
from threading import Lock, Thread
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, ParamSpec, Self, TypeVar

from runner.crashpoints import crashpoint
from runner.engine import outcome
from runner.engine.legs import TRIED, Checkpoint, Legs, Stopped, Work
from runner.engine.queues import MOST, goes_on_in, late_of, left_by, queue_of, runs_of, shared, take_by_room
from runner.engine.room import MOST_LEGS, Room, is_early, name_of
from runner.errors import InfrastructureError, StoreUnavailable
from runner.store.engine_database import SCHEMA, EngineDatabase
from runner.store.executors import SUBMIT, TTL, WATCH, Executors

if TYPE_CHECKING:
    from dbos import DBOSConfig

PROTOCOL: Final = "1"
"""The number of what a run's steps are, and in which order. A process goes on only with runs of its own number: let no run be
unfinished when this changes."""
_NAME: Final = "seatrial"
_UNFINISHED: Final = ("PENDING", "ENQUEUED")
_OVER: Final = ("SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED")
_PATIENCE: Final = 1.0
"""Seconds to wait at the end for a step that goes on."""
_FAREWELL: Final = 5.0
"""Seconds to wait at the end for requests to be handed back; else others find them once this process is taken for dead."""
_FALLEN: Final = 10.0
"""Seconds after which what this process has taken, and does not carry, lies in its queue again."""
_LOOK: Final = 0.5
"""Seconds between two looks into a queue."""
_LOOKS: Final = 32
"""Looks per second into all queues that are shared, however many there are; each is looked into four times a second at most."""

_Given = ParamSpec("_Given")
_Found = TypeVar("_Found")

log = logging.getLogger(__name__)
_the_only_one = Lock()


def _apart(method: Callable[_Given, _Found]) -> Callable[_Given, _Found]:
    """Whoever calls it may be a run itself: then the library would keep each of these calls as a step of that run."""

    @wraps(method)
    def call(*given: _Given.args, **named: _Given.kwargs) -> _Found:
        return Context().run(method, *given, **named)

    return call


class Executor:
    """Carries runs of the folder `state`; one per process, and open only within its `with` block.

    `role` is WATCH or SUBMIT. `ttl`: seconds as for `Executors`. A watcher also takes from `queues`, which it shares with others: as
    many legs as it has `slots` for, which bound its sandboxes. What is past its sandbox it takes without a bound. Entering it, and every method, raises StoreUnavailable when state
    folder or database cannot be used; where Postgres breaks off later, they wait until it is back. Any thread may call them, also of
    a run.
    """

    def __init__(self, state: Path, *, role: str, work: Work, ttl: float = TTL, queues: tuple[str, ...] = (), slots: int = 0) -> None:
        self.id = ""
        self._role = role
        self._queues, self._room = queues, Room(slots)
        self._legs = Legs(work, self._room, lasting=role == WATCH)
        self.stopping = self._legs.stopping
        self._executors = Executors(state, ttl=ttl)
        self._database = EngineDatabase(state)
        self._has_queue = False
        self._idle: dict[str, float] = {}
        """What was taken and is not carried, and since when that is known, by the monotonic clock."""
        self._open = ExitStack()

    def __enter__(self) -> Self:
        if not _the_only_one.acquire(blocking=False):
            raise RuntimeError("a process has one executor")
        with ExitStack() as stack:
            stack.callback(_the_only_one.release)
            require()
            self.id = self._legs.executor = self._executors.enter(self._role, slots=self._room.slots)
            stack.callback(self._leave)
            stack.callback(self._database.close)
            with self._database.translated():
                self._launch(stack)
            heart = Thread(target=self._beat, name="seatrial-heartbeat", daemon=True)
            heart.start()
            stack.callback(heart.join, _PATIENCE)
            stack.callback(self._stop)
            self._open = stack.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None) -> None:
        self._open.close()

    @_apart
    def carry(self, run: str, leg: int, *, late: bool = False) -> None:
        """Begin a leg of a run in the background of this process, unless it has begun anywhere. A watcher leaves it to any watcher where the run is at home.

        `late`: as for `hand_over`.
        """
        from dbos import DBOS, SetWorkflowID

        if self._role == WATCH:
            self.hand_over(run, leg, late=late)
            return
        self._own({name_of(run, leg)})
        with self._database.translated(), SetWorkflowID(name_of(run, leg)):
            DBOS.start_workflow(self._workflow, run, leg)

    @_apart
    def hand_over(self, run: str, leg: int, queue: str = "", *, late: bool = False) -> None:
        """Leave a leg of a run to whoever watches where the run is at home, or takes from that queue, unless it has begun anywhere.

        `late`: it comes to no sandbox, as none does that sets out again, and so need not wait until there is room.
        """
        from dbos import DBOS, SetWorkflowID

        queue = queue or self._home_of(run, late=late or not is_early(leg))
        with self._database.translated(), SetWorkflowID(name_of(run, leg)):
            DBOS.enqueue_workflow(queue, self._workflow, run, leg)
        if queue == self._runs:
            self._room.expect((name_of(run, leg),))

    @_apart
    def adopt(self, run: str, leg: int) -> None:
        """Go on with a leg of a run in this process (a watcher: in any watcher where the run is at home), whoever had it: that one is stopped at its next step."""
        from dbos import DBOS, error

        queue = self._home_of(run, late=True) if self._role == WATCH else self._queue()
        try:
            with self._database.translated():
                DBOS.resume_workflow(name_of(run, leg), queue_name=queue)
        except error.DBOSNonExistentWorkflowError:
            self.carry(run, leg)
        else:
            self._own({name_of(run, leg)})

    @_apart
    def wait(self, run: str, leg: int, timeout: float | None = None) -> str:
        """What a leg of a run came to, wherever it is carried; raises what its work raised.

        Raises TimeoutError after `timeout` seconds, LookupError when it ended here and another process has forgotten it since,
        StoreUnavailable when this process had to stop with it. Signals interrupt it.
        """
        from dbos import DBOS

        name = name_of(run, leg)
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            with self._database.translated():
                status = DBOS.get_workflow_status(name)
            if status is not None and status.status == "SUCCESS":
                self._legs.seen(name)
                return outcome.heard(str(status.output))
            if status is not None and status.status not in _UNFINISHED:
                raise outcome.Broke(f"run {name} is {status.status}: {status.error}")
            if problem := self._legs.moved(name, known=status is not None, deadline=deadline):
                with self._database.translated():
                    raise problem

    @_apart
    def begun(self, run: str, leg: int) -> bool | None:
        """Whether a leg of a run goes on, or is to go on, anywhere; `None` when it never began."""
        from dbos import DBOS

        with self._database.translated():
            status = DBOS.get_workflow_status(name_of(run, leg))
        return None if status is None else status.status in _UNFINISHED

    @_apart
    def forget(self, run: str, leg: int) -> None:
        """Drop what is kept of the legs up to `leg` of a run that has ended: nobody will go on with it, and its stages' answers are large."""
        from dbos import DBOS

        names = [name_of(run, number) for number in range(leg + 1)]
        with self._database.translated():
            ended = DBOS.list_workflows(workflow_ids=names, status=list(_OVER), load_input=False, load_output=False)
            if ended:
                DBOS.delete_workflows([each.workflow_id for each in ended])

    def carries(self, run: str) -> bool:
        """Whether some leg of a run is carried by this process at this moment, or has just been, and its end is not on disk yet."""
        return self._legs.carries(run)

    @_apart
    def busy(self) -> bool:
        """Whether a leg goes on in this process, or lies where this process takes from; also one whose run the record calls ended."""
        from dbos import DBOS

        with self._database.translated():
            going = DBOS.list_workflows(status="PENDING", executor_id=self.id, load_input=False, load_output=False)
            queues = [self._queue(), *([self._late] if self._role == WATCH else [])]
            lying = DBOS.list_workflows(status="ENQUEUED", queue_name=queues, load_input=False, load_output=False)
        return bool(going or lying)

    @_apart
    def reap(self) -> tuple[str, ...]:
        """Go on with what dead processes left, and with what had to stop or never began here; the names `RUN.LEG`. It is told to one process only.

        What is found dead is forgotten only after its work lies in a queue again, so that one who dies in between costs nothing. What came
        from a queue that is shared goes back there; what has begun goes on where its target and its trees are.
        """
        from dbos import DBOS

        with self._database.translated():
            fallen = self._fallen()
        if not fallen and not self._legs.broken_off and not self._executors.any_dead():
            self._executors.sweep()  # whoever died before it was known left nothing but its lock
            return ()
        with self._executors.burying() as dead, self._database.translated():
            place = self._executors.place
            left = [(name, self._goes_on_in(name, came_from, place)) for name, came_from in (*fallen, *self._broken_off())]
            for each in dead:
                left += [(name, self._goes_on_in(name, came_from, self._executors.places[each])) for name, came_from in left_by(each)]
            for name, queue in left:
                DBOS.resume_workflow(name, queue_name=queue)
                self._legs.taken_over(name)
            self._put_apart({place, *self._executors.places.values()})
            crashpoint("engine.resumed")
            for each in dead:
                DBOS.delete_queue(queue_of(each))
        self._own(name for name, queue in left if queue == self._queue())
        return tuple(name for name, _ in left)

    def tell(self, about: Mapping[str, Any]) -> None:
        """Let `seatrial fleet` say this of this process."""
        self._executors.tell(about)

    def drain(self, seconds: float) -> bool:
        """Take nothing from queues that are shared any more, and wait so long for what goes on here; whether it has ended."""
        self._room.close()
        until = time.monotonic() + seconds
        while not (over := self._room.empty()) and time.monotonic() < until:
            time.sleep(_LOOK / 5)
        return over

    # ── what the library calls, and how it is set up ────────────────────────────────────────────────────────────────────

    def _carry(self, run: str, leg: int) -> str:
        """The workflow. Requests go back where the process of this id before took some, and this one does not."""
        if not leg and not self._queues and self._role == WATCH and not self.stopping.is_set():
            self._hand_back()
            raise Stopped(name_of(run, leg))
        return self._legs.carry(run, leg)

    def _launch(self, stack: ExitStack) -> None:
        from dbos import DBOS, DBOSPortableJSONSerializer

        logger = logging.getLogger("dbos")
        if not logger.handlers:
            logger.addHandler(logging.NullHandler())  # else it adds one that writes to stderr, and passes nothing on
        config: DBOSConfig = {
            "name": _NAME,
            "system_database_engine": self._database.engine,
            "dbos_system_schema": SCHEMA,
            "run_migrations": not self._database.url,
            "use_listen_notify": False,
            "notification_listener_polling_interval_sec": 0.05,  # we send none; it sleeps so long when it is to end
            "executor_id": self.id,
            "application_version": PROTOCOL,
            "serializer": DBOSPortableJSONSerializer(),  # the default one unpickles
            "log_level": "WARNING",
        }
        if self._database.url:
            self._database.engine.connect().close()  # makes the file as we want it
            DBOS.migrate(self._database.url)
        stack.callback(DBOS.destroy, destroy_registry=True)
        library = DBOS(config=config)

        def carry(run: str, leg: int) -> str:
            return self._carry(run, leg)

        self._workflow = DBOS.workflow(name="run", max_recovery_attempts=None)(carry)
        DBOS.listen_queues([self._late, self._runs, *self._queues] if self._role == WATCH else [queue_of(self.id)])
        DBOS.launch()
        if self._role == WATCH:
            self._put_apart({self._executors.place})
        take_by_room(library, self._room, self._queues, self._database.lies)
        if self._room.slots or DBOS.retrieve_queue(self._runs) is None:
            most = MOST_LEGS * self._room.slots or None
            DBOS.register_queue(self._runs, polling_interval_sec=_LOOK / 2 if most else _LOOK, worker_concurrency=most)
        if DBOS.retrieve_queue(self._late) is None:
            DBOS.register_queue(self._late, polling_interval_sec=_LOOK)
        pause = max(_LOOK / 2, len(self._queues) / _LOOKS)
        for queue in self._queues:
            DBOS.register_queue(queue, polling_interval_sec=pause, worker_concurrency=MOST)

    @property
    def _runs(self) -> str:
        return runs_of(self._executors.place)

    @property
    def _late(self) -> str:
        return late_of(self._executors.place)

    def _home_of(self, run: str, *, late: bool) -> str:
        """Where what is to be done for a run lies until it begins: its trees are in one state folder."""
        home = self._executors.home(run)
        return late_of(home) if late else runs_of(home)

    def _goes_on_in(self, name: str, came_from: str, place: str) -> str:
        """Where a leg goes on that was left by a process of that state folder: a submit goes on with what nobody else may take."""
        if self._role == SUBMIT and place == self._executors.place and not shared(came_from):
            return self._queue()
        return goes_on_in(name, came_from, place)

    def _put_apart(self, places: Iterable[str]) -> None:
        """Let what was tried before its process died wait for no room: it may be promoted, and has a deadline."""
        for place in places:
            self._database.move(TRIED, runs_of(place), late_of(place))

    def _queue(self) -> str:
        """Where what this process goes on with lies until it begins; a submit's own is made when it is needed."""
        from dbos import DBOS

        if self._role == WATCH:
            return self._runs
        if not self._has_queue:
            DBOS.register_queue(queue_of(self.id), polling_interval_sec=_LOOK / 5)
            self._has_queue = True
        return queue_of(self.id)

    def _broken_off(self) -> list[tuple[str, str]]:
        """What had to stop here, and has not been taken over since; as `left_by`."""
        from dbos import DBOS

        names = self._legs.broken_off
        if not names:
            return []
        found = DBOS.list_workflows(workflow_ids=names, status="PENDING", executor_id=self.id, load_input=False, load_output=False)
        return [(each.workflow_id, each.queue_name or "") for each in found]

    def _fallen(self) -> list[tuple[str, str]]:
        """What was taken here and never began, as `left_by`: the library drops what it has taken when it cannot read it, as from a database that is gone just then."""
        from dbos import DBOS

        found = DBOS.list_workflows(status="PENDING", executor_id=self.id, load_input=False, load_output=False)
        now = time.monotonic()
        self._idle = {each.workflow_id: self._idle.get(each.workflow_id, now) for each in found if not self._legs.has(each.workflow_id)}
        return [(each.workflow_id, each.queue_name or "") for each in found if self._idle.get(each.workflow_id, now) <= now - _FALLEN]

    def _own(self, names: Iterable[str]) -> None:
        if self._role == SUBMIT:
            self._legs.own(names)

    def _beat(self) -> None:
        while not self.stopping.wait(self._executors.ttl / 3):
            try:
                self._executors.beat(self._legs.running)
            except StoreUnavailable as problem:
                log.warning("no sign of life could be given: %s", problem)

    def _stop(self) -> None:
        """Before the library is taken down: nothing new begins, and what goes on may end if that is soon."""
        from dbos import DBOS

        self.stopping.set()
        self._legs.rest(_PATIENCE)
        if self._queues:
            back = Thread(target=self._hand_back, name="seatrial-hand-back", daemon=True)  # the library waits for a database that is gone
            back.start()
            back.join(_FAREWELL)
        if self._has_queue and not self._legs.unseen:
            with suppress(StoreUnavailable), self._database.translated():
                DBOS.delete_queue(queue_of(self.id))

    @_apart
    def _hand_back(self) -> None:
        """What was taken from a queue that is shared, and did not come to its end, others may take at once."""
        from dbos import DBOS

        with suppress(StoreUnavailable), self._database.translated():
            for each, queue in left_by(self.id):
                if shared(queue):
                    DBOS.resume_workflow(each, queue_name=queue)

    def _leave(self) -> None:
        """A watcher's place is kept for the next one under its id."""
        try:
            self._executors.leave(forget=self._role == SUBMIT and not self._legs.unseen)
        except StoreUnavailable as problem:
            log.warning("%s", problem)


def require() -> None:
    """Raises InfrastructureError where the library is not installed."""
    try:
        import dbos  # noqa: F401
    except ImportError as problem:
        hint = "Install it: pip install 'seatrial[submit]'"
        raise InfrastructureError(f"what carries runs durably is not installed: {problem}", hint=hint) from problem


def migrate(state: Path) -> None:
    """Make or alter the engine's tables. Raises StoreUnavailable, and InfrastructureError where the library is not installed."""

    def nothing(run: str, leg: int, checkpoint: Checkpoint) -> str:
        raise Stopped(f"{run} {leg} {checkpoint}")

    with Executor(state, role=SUBMIT, work=nothing):
        pass
