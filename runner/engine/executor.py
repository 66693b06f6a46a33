"""Carries runs so that each goes on at its step, in this process or another, whatever dies on the way.

A run's leg is one workflow of the library, each of its stages one step: what a step came to is on disk before the next begins. The
library recovers only what a process of the same id left; the rest is here: who is dead (`runner.store.executors`), and which queue its
work goes on in. Every process polls the library's internal queue, so nothing may ever lie there.
"""

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack, suppress
from contextvars import Context
from functools import partial, wraps
from pathlib import Path
from threading import Condition, Event, Lock, Thread
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, ParamSpec, Self, TypeVar

from runner.crashpoints import crashpoint
from runner.engine import outcome
from runner.engine.queues import MOST, left_by, queue_of, runs_of, shared, take_by_room
from runner.engine.room import MOST_LEGS, Room
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
_LOOK: Final = 0.5
_LOOK_SOON: Final = 0.02
"""Seconds between two looks at whether a run has ended: in another process, and here."""
_LOOKS: Final = 32
"""Looks per second into all queues that are shared, however many there are; each is looked into four times a second at most."""
_SANDBOXED: Final = ("intake", "trial")
"""The steps, by the last word of their names, that need a slot: a check is one step."""
_TRIES: Final = 600
"""How often a watcher goes on with a leg that cannot use the record, at most once a second, until that is what it came to."""

Checkpoint = Callable[[str, Callable[[], str]], str]
"""`checkpoint(name, step)` gives what `step` returns, or raises what it raises; after a crash it tells that again, and runs nothing.

The names must come in the same order again. To be called in the thread, and not within a step, of the run.
"""
Work = Callable[[str, int, Checkpoint], str]
"""`work(run, leg, checkpoint)` carries one leg of a run to its end, and returns what it came to as JSON text."""

_Given = ParamSpec("_Given")
_Found = TypeVar("_Found")

log = logging.getLogger(__name__)
_the_only_one = Lock()


class Stopped(BaseException):
    """This process does not go on with a run, which stays unfinished: it is to end, the run is another's now, or nothing can be kept."""


def _apart(method: Callable[_Given, _Found]) -> Callable[_Given, _Found]:
    """Whoever calls it may be a run itself: then the library would keep each of these calls as a step of that run."""

    @wraps(method)
    def call(*given: _Given.args, **named: _Given.kwargs) -> _Found:
        return Context().run(method, *given, **named)

    return call


class Executor:
    """Carries runs of the folder `state`; one per process, and open only within its `with` block.

    `role` is WATCH or SUBMIT. `ttl`: seconds as for `Executors`. A watcher also takes from `queues`, which it shares with others: as
    many legs as it has `slots` for, which bound its sandboxes. Entering it, and every method, raises StoreUnavailable when state
    folder or database cannot be used; where Postgres breaks off later, they wait until it is back. Any thread may call them, also of
    a run.
    """

    def __init__(self, state: Path, *, role: str, work: Work, ttl: float = TTL, queues: tuple[str, ...] = (), slots: int = 0) -> None:
        self.id = ""
        self.stopping = Event()
        """Set when this process is to end: a step that takes long may look at it."""
        self._role = role
        self._work = work
        self._queues, self._room = queues, Room(slots)
        self._executors = Executors(state, ttl=ttl)
        self._database = EngineDatabase(state)
        self._moved = Condition()
        self._running: dict[str, object] = {}
        self._ended: set[str] = set()
        self._broken: dict[str, BaseException] = {}
        self._tries: Counter[str] = Counter()
        self._begun: set[str] = set()
        """What a submit began and has not seen the end of: whoever is to look for it looks for the process."""
        self._has_queue = False
        self._open = ExitStack()

    def __enter__(self) -> Self:
        if not _the_only_one.acquire(blocking=False):
            raise RuntimeError("a process has one executor")
        with ExitStack() as stack:
            stack.callback(_the_only_one.release)
            require()
            self.id = self._executors.enter(self._role, slots=self._room.slots)
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
    def carry(self, run: str, leg: int) -> None:
        """Begin a leg of a run in the background of this process, unless it has begun anywhere. A watcher leaves it to any watcher where the run is at home."""
        from dbos import DBOS, SetWorkflowID

        if self._role == WATCH:
            self.hand_over(run, leg)
            return
        self._own({_name(run, leg)})
        with self._database.translated(), SetWorkflowID(_name(run, leg)):
            DBOS.start_workflow(self._workflow, run, leg)

    @_apart
    def hand_over(self, run: str, leg: int, queue: str = "") -> None:
        """Leave a leg of a run to whoever watches where the run is at home, or takes from that queue, unless it has begun anywhere."""
        from dbos import DBOS, SetWorkflowID

        queue = queue or self._home_of(run)
        with self._database.translated(), SetWorkflowID(_name(run, leg)):
            DBOS.enqueue_workflow(queue, self._workflow, run, leg)
        if queue == self._runs and _is_early(leg):
            self._room.expect((_name(run, leg),))

    @_apart
    def adopt(self, run: str, leg: int) -> None:
        """Go on with a leg of a run in this process (a watcher: in any watcher where the run is at home), whoever had it: that one is stopped at its next step."""
        from dbos import DBOS, error

        queue = self._home_of(run) if self._role == WATCH else self._queue()
        try:
            with self._database.translated():
                DBOS.resume_workflow(_name(run, leg), queue_name=queue)
        except error.DBOSNonExistentWorkflowError:
            self.carry(run, leg)
        else:
            self._own({_name(run, leg)})

    @_apart
    def wait(self, run: str, leg: int, timeout: float | None = None) -> str:
        """What a leg of a run came to, wherever it is carried; raises what its work raised.

        Raises TimeoutError after `timeout` seconds, LookupError when it ended here and another process has forgotten it since,
        StoreUnavailable when this process had to stop with it. Signals interrupt it.
        """
        from dbos import DBOS

        name = _name(run, leg)
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            with self._database.translated():
                status = DBOS.get_workflow_status(name)
            if status is not None and status.status == "SUCCESS":
                with self._moved:
                    self._begun.discard(name)
                    self._ended.discard(name)
                return outcome.heard(str(status.output))
            if status is not None and status.status not in _UNFINISHED:
                raise outcome.Broke(f"run {name} is {status.status}: {status.error}")
            with self._moved:
                if status is None and name in self._ended:  # its end was on disk, or nobody could have forgotten it
                    self._begun.discard(name)
                    self._ended.discard(name)
                    raise LookupError(f"run {name} was forgotten")
                if name in self._broken:
                    with self._database.translated():
                        raise self._broken[name]
                pause = _LOOK_SOON if name in self._ended else _LOOK
                if deadline is not None and (pause := min(pause, deadline - time.monotonic())) <= 0:
                    raise TimeoutError(f"run {name} goes on")
                self._moved.wait(pause)

    @_apart
    def begun(self, run: str, leg: int) -> bool | None:
        """Whether a leg of a run goes on, or is to go on, anywhere; `None` when it never began."""
        from dbos import DBOS

        with self._database.translated():
            status = DBOS.get_workflow_status(_name(run, leg))
        return None if status is None else status.status in _UNFINISHED

    @_apart
    def forget(self, run: str, leg: int) -> None:
        """Drop what is kept of the legs up to `leg` of a run that has ended: nobody will go on with it, and its stages' answers are large."""
        from dbos import DBOS

        names = [_name(run, number) for number in range(leg + 1)]
        with self._database.translated():
            ended = DBOS.list_workflows(workflow_ids=names, status=list(_OVER), load_input=False, load_output=False)
            if ended:
                DBOS.delete_workflows([each.workflow_id for each in ended])

    def carries(self, run: str) -> bool:
        """Whether some leg of a run is carried by this process at this moment, or has just been, and its end is not on disk yet."""
        with self._moved:
            return any(name.rpartition(".")[0] == run for name in (*self._running, *self._ended))

    @_apart
    def busy(self) -> bool:
        """Whether a leg goes on in this process, or lies where this process takes from; also one whose run the record calls ended."""
        from dbos import DBOS

        with self._database.translated():
            going = DBOS.list_workflows(status="PENDING", executor_id=self.id, load_input=False, load_output=False)
            lying = DBOS.list_workflows(status="ENQUEUED", queue_name=self._queue(), load_input=False, load_output=False)
        return bool(going or lying)

    @_apart
    def reap(self) -> tuple[str, ...]:
        """Go on with what dead processes left, and with what had to stop here; the names `RUN.LEG`. It is told to one process only.

        What is found dead is forgotten only after its work lies in a queue again, so that one who dies in between costs nothing. What came
        from a queue that is shared goes back there; what has begun goes on where its target and its trees are.
        """
        from dbos import DBOS

        with self._moved:
            broken = bool(self._broken)
        if not broken and not self._executors.any_dead():
            return ()
        with self._executors.burying() as dead, self._database.translated():
            left = [(name, came_from or self._queue()) for name, came_from in self._broken_off()]
            for each in dead:
                here = self._executors.places[each] == self._executors.place
                queue = self._queue() if here else runs_of(self._executors.places[each])
                left += [(name, came_from or queue) for name, came_from in left_by(each)]
            for name, queue in left:
                DBOS.resume_workflow(name, queue_name=queue)
                with self._moved:
                    self._broken.pop(name, None)
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
        """The workflow: what comes of a leg of a run, as `outcome` writes it."""
        name = _name(run, leg)
        if self.stopping.is_set():
            raise Stopped(name)
        if not leg and not self._queues and self._role == WATCH:  # the process of this id before took requests, and this one does not
            self._hand_back()
            raise Stopped(name)
        with self._room.leg(name, early=_is_early(leg)) as token:
            return self._carried(run, leg, token)

    def _carried(self, run: str, leg: int, token: object) -> str:
        name = _name(run, leg)
        with self._moved:
            self._running[name] = token
            self._ended.discard(name)
            self._broken.pop(name, None)
        problems: list[Exception] = []
        try:
            came_to = outcome.told(lambda: self._work(run, leg, partial(self._checkpoint, name, token)), problems)
            self._is_kept(name, problems)
        except BaseException as problem:
            with self._moved:
                if isinstance(problem.__cause__, Exception):
                    self._broken[name] = problem.__cause__
                    log.warning("run %s stopped here: %s", name, problem.__cause__)
            raise
        else:
            with self._moved:
                self._ended.update(self._begun & {name})
            return came_to
        finally:
            with self._moved:
                if self._running.get(name) is token:
                    del self._running[name]
                self._moved.notify_all()

    def _checkpoint(self, run: str, token: object, name: str, step: Callable[[], str]) -> str:
        from dbos import DBOS, error

        problems: list[Exception] = []

        def told() -> str:
            if name.rpartition(".")[2] not in _SANDBOXED:
                return ours()
            with self._room.slot(token, self.stopping, new=name == "intake") as had:
                if not had:
                    raise Stopped(run)
                return ours()

        def ours() -> str:
            self._is_ours(run, token)
            came_to = outcome.told(step, problems)
            self._is_kept(run, problems)
            return came_to

        if self.stopping.is_set():
            raise Stopped(run)
        try:
            came_to = DBOS.run_step({"name": name}, told)
        except (Exception, error.DBOSBaseException) as problem:  # none of the step's: it could not be kept, or is not ours to keep
            raise Stopped(run) from problem
        if problems:
            raise problems[0]
        return outcome.heard(came_to)

    def _is_kept(self, name: str, problems: list[Exception]) -> None:
        """Raises Stopped where the record could not be used: that is nothing that a run came to. A watcher goes on with it, for a while."""
        if self._role != WATCH or not problems or not isinstance(problems[0], StoreUnavailable):
            return
        self._tries[name] += 1
        if self._tries[name] < _TRIES:
            raise Stopped(name) from problems[0]

    def _is_ours(self, name: str, token: object) -> None:
        """Before a step begins; whether it still is when it ends, the library sees to in the transaction that keeps it.

        Who was taken for dead and thaws may find its own work in its own queue: then the thread that had it stops, and another goes on.
        """
        from dbos import DBOS

        with self._moved:
            if self._running.get(name) is not token:
                raise Stopped(name)
        try:
            status = DBOS.get_workflow_status(name)
        except Exception as problem:  # the library would keep it as what the step came to
            raise Stopped(name) from problem
        if status is None or status.status != "PENDING" or status.executor_id != self.id:
            raise Stopped(name)

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
        DBOS.listen_queues([self._runs, *self._queues] if self._role == WATCH else [queue_of(self.id)])
        DBOS.launch()
        take_by_room(library, self._room, self._queues)
        if self._room.slots or DBOS.retrieve_queue(self._runs) is None:
            most = MOST_LEGS * self._room.slots or None
            DBOS.register_queue(self._runs, polling_interval_sec=_LOOK / 2 if most else _LOOK, worker_concurrency=most)
        pause = max(_LOOK / 2, len(self._queues) / _LOOKS)
        for queue in self._queues:
            DBOS.register_queue(queue, polling_interval_sec=pause, worker_concurrency=MOST)

    @property
    def _runs(self) -> str:
        return runs_of(self._executors.place)

    def _home_of(self, run: str) -> str:
        """Where what is to be done for a run lies until it begins: its trees are in one state folder."""
        return runs_of(self._executors.home(run))

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

        with self._moved:
            names = list(self._broken)
        if not names:
            return []
        found = DBOS.list_workflows(workflow_ids=names, status="PENDING", executor_id=self.id, load_input=False, load_output=False)
        return [(each.workflow_id, shared(each.queue_name)) for each in found]

    def _own(self, names: Iterable[str]) -> None:
        if self._role == SUBMIT:
            with self._moved:
                self._begun.update(names)

    def _beat(self) -> None:
        while not self.stopping.wait(self._executors.ttl / 3):
            try:
                self._executors.beat(len(self._running))
            except StoreUnavailable as problem:
                log.warning("no sign of life could be given: %s", problem)

    def _stop(self) -> None:
        """Before the library is taken down: nothing new begins, and what goes on may end if that is soon."""
        from dbos import DBOS

        self.stopping.set()
        with self._moved:
            self._moved.wait_for(lambda: not self._running, _PATIENCE)
        if self._queues:
            back = Thread(target=self._hand_back, name="seatrial-hand-back", daemon=True)  # the library waits for a database that is gone
            back.start()
            back.join(_FAREWELL)
        if self._has_queue and not self._begun:
            with suppress(StoreUnavailable), self._database.translated():
                DBOS.delete_queue(queue_of(self.id))

    @_apart
    def _hand_back(self) -> None:
        """What was taken from a queue that is shared, and did not come to its end, others may take at once."""
        from dbos import DBOS

        with suppress(StoreUnavailable), self._database.translated():
            for each, queue in left_by(self.id):
                if queue:
                    DBOS.resume_workflow(each, queue_name=queue)

    def _leave(self) -> None:
        """A watcher's place is kept for the next one under its id."""
        try:
            self._executors.leave(forget=self._role == SUBMIT and not self._begun)
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


def _name(run: str, leg: int) -> str:
    return f"{run}.{leg}"


def _is_early(leg: int) -> bool:
    """Whether a leg comes to a sandbox: what sets out again has been tried."""
    return leg <= 1
