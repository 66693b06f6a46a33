"""Carries runs so that each goes on at its step, in this process or another, whatever dies on the way.

A run's leg is one workflow of the library, each of its stages one step: what a step came to is on disk before the next begins. The
library recovers only what a process of the same id left; the rest is here: who is dead (`runner.store.executors`), and which queue its
work goes on in. Every process polls the library's internal queue, so nothing may ever lie there.
"""

import logging
import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack, suppress
from contextvars import Context
from functools import partial, wraps
from pathlib import Path
from threading import Condition, Event, Lock, Thread
from types import TracebackType
from typing import TYPE_CHECKING, Final, ParamSpec, Self, TypeVar

from runner.crashpoints import crashpoint
from runner.engine import outcome
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
_LOOK: Final = 0.5
_LOOK_SOON: Final = 0.02
"""Seconds between two looks at whether a run has ended: in another process, and here."""

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

    `role` is WATCH or SUBMIT. `ttl`: seconds as for `Executors`. A watcher also takes from `queues`, which it shares with others; of
    each of these it carries at most `slots` at once, and of its own four times as many, most of which wait for a target or a probe. Entering it, and every method, raises StoreUnavailable when state
    folder or database cannot be used; where Postgres breaks off later, they wait until it is back. Any thread may call them, also of
    a run.
    """

    def __init__(self, state: Path, *, role: str, work: Work, ttl: float = TTL, queues: tuple[str, ...] = (), slots: int = 0) -> None:
        self.id = ""
        self.stopping = Event()
        """Set when this process is to end: a step that takes long may look at it."""
        self._role = role
        self._work = work
        self._queues, self._slots = queues, slots
        self._executors = Executors(state, ttl=ttl)
        self._database = EngineDatabase(state)
        self._moved = Condition()
        self._running: set[str] = set()
        self._ended: set[str] = set()
        self._broken: dict[str, BaseException] = {}
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
            self.id = self._executors.enter(self._role)
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
        """Begin a leg of a run in the background of this process, unless it has begun anywhere. A watcher leaves it to any watcher."""
        from dbos import DBOS, SetWorkflowID

        if self._role == WATCH:
            self.hand_over(run, leg)
            return
        self._own({_name(run, leg)})
        with self._database.translated(), SetWorkflowID(_name(run, leg)):
            DBOS.start_workflow(self._workflow, run, leg)

    @_apart
    def hand_over(self, run: str, leg: int, queue: str = "") -> None:
        """Leave a leg of a run to whoever watches here, or takes from that queue, unless it has begun anywhere."""
        from dbos import DBOS, SetWorkflowID

        with self._database.translated(), SetWorkflowID(_name(run, leg)):
            DBOS.enqueue_workflow(queue or self._runs, self._workflow, run, leg)

    @_apart
    def adopt(self, run: str, leg: int) -> None:
        """Go on with a leg of a run in this process (a watcher: in any watcher), whoever had it: that one is stopped at its next step."""
        from dbos import DBOS, error

        try:
            with self._database.translated():
                DBOS.resume_workflow(_name(run, leg), queue_name=self._queue())
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

        What is found dead is forgotten only after its work lies in a queue again, so that one who dies in between costs nothing.
        """
        from dbos import DBOS

        with self._executors.burying() as dead, self._database.translated():
            left = [(name, self._queue()) for name in self._broken_off()]
            for each in dead:
                here = self._executors.places[each] == self._executors.place
                queue = self._queue() if here else _runs_of(self._executors.places[each])
                left += [(name, queue) for name in _left_by(each)]
            for name, queue in left:
                DBOS.resume_workflow(name, queue_name=queue)
                with self._moved:
                    self._broken.pop(name, None)
            crashpoint("engine.resumed")
            for each in dead:
                DBOS.delete_queue(_queue_of(each))
        self._own(name for name, queue in left if queue == self._queue())
        return tuple(name for name, _ in left)

    # ── what the library calls, and how it is set up ────────────────────────────────────────────────────────────────────

    def _carry(self, run: str, leg: int) -> str:
        """The workflow: what comes of a leg of a run, as `outcome` writes it."""
        name = _name(run, leg)
        if self.stopping.is_set():
            raise Stopped(name)
        with self._moved:
            self._running.add(name)
            self._ended.discard(name)
            self._broken.pop(name, None)
        try:
            came_to = outcome.told(lambda: self._work(run, leg, partial(self._checkpoint, name)))
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
                self._running.discard(name)
                self._moved.notify_all()

    def _checkpoint(self, run: str, name: str, step: Callable[[], str]) -> str:
        from dbos import DBOS, error

        problems: list[Exception] = []

        def told() -> str:
            self._is_ours(run)
            return outcome.told(step, problems)

        if self.stopping.is_set():
            raise Stopped(run)
        try:
            came_to = DBOS.run_step({"name": name}, told)
        except (Exception, error.DBOSBaseException) as problem:  # none of the step's: it could not be kept, or is not ours to keep
            raise Stopped(run) from problem
        if problems:
            raise problems[0]
        return outcome.heard(came_to)

    def _is_ours(self, name: str) -> None:
        """Before a step begins; whether it still is when it ends, the library sees to in the transaction that keeps it."""
        from dbos import DBOS

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
        DBOS(config=config)

        def carry(run: str, leg: int) -> str:
            return self._carry(run, leg)

        self._workflow = DBOS.workflow(name="run", max_recovery_attempts=None)(carry)
        DBOS.listen_queues([self._runs, *self._queues] if self._role == WATCH else [_queue_of(self.id)])
        DBOS.launch()
        if self._slots or DBOS.retrieve_queue(self._runs) is None:
            most = 4 * self._slots or None
            DBOS.register_queue(self._runs, polling_interval_sec=_LOOK, worker_concurrency=most)
        for queue in self._queues:
            DBOS.register_queue(queue, polling_interval_sec=_LOOK / 2, worker_concurrency=self._slots)

    @property
    def _runs(self) -> str:
        return _runs_of(self._executors.place)

    def _queue(self) -> str:
        """Where what this process goes on with lies until it begins; a submit's own is made when it is needed."""
        from dbos import DBOS

        if self._role == WATCH:
            return self._runs
        if not self._has_queue:
            DBOS.register_queue(_queue_of(self.id), polling_interval_sec=_LOOK / 5)
            self._has_queue = True
        return _queue_of(self.id)

    def _broken_off(self) -> list[str]:
        """What had to stop here, and has not been taken over since."""
        from dbos import DBOS

        with self._moved:
            names = list(self._broken)
        if not names:
            return []
        found = DBOS.list_workflows(workflow_ids=names, status="PENDING", executor_id=self.id, load_input=False, load_output=False)
        return [each.workflow_id for each in found]

    def _own(self, names: Iterable[str]) -> None:
        if self._role == SUBMIT:
            with self._moved:
                self._begun.update(names)

    def _beat(self) -> None:
        while not self.stopping.wait(self._executors.ttl / 3):
            try:
                self._executors.beat()
            except StoreUnavailable as problem:
                log.warning("no sign of life could be given: %s", problem)

    def _stop(self) -> None:
        """Before the library is taken down: nothing new begins, and what goes on may end if that is soon."""
        from dbos import DBOS

        self.stopping.set()
        with self._moved:
            self._moved.wait_for(lambda: not self._running, _PATIENCE)
        if self._has_queue and not self._begun:
            with suppress(StoreUnavailable), self._database.translated():
                DBOS.delete_queue(_queue_of(self.id))

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


def _name(run: str, leg: int) -> str:
    return f"{run}.{leg}"


def _queue_of(executor: str) -> str:
    return f"here-{executor}"


def _runs_of(place: str) -> str:
    """The queue that the watchers of a state folder take from."""
    return f"runs-{place}"


def _left_by(dead: str) -> list[str]:
    """What this process carried, and what lay in its own queue."""
    from dbos import DBOS

    carried = DBOS.list_workflows(status="PENDING", executor_id=dead, load_input=False, load_output=False)
    queued = DBOS.list_workflows(status="ENQUEUED", queue_name=_queue_of(dead), load_input=False, load_output=False)
    return [each.workflow_id for each in (*carried, *queued)]
