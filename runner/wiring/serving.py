"""A process that serves: it takes requests, answers about runs, and carries what its machine can carry."""

import importlib
import logging
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from typing import Any, Final

from runner.errors import StoreUnavailable, UsageError
from runner.git.scratch import sweep
from runner.model.configuration import Configuration
from runner.model.request import Asked
from runner.model.run import Command
from runner.model.submission import Submission
from runner.ports import Progress
from runner.store.deliveries import SqlDeliveries
from runner.store.events import SqlEvents
from runner.store.executors import WATCH
from runner.store.places import claim, places
from runner.store.replies import SqlReplies
from runner.store.requests import Queued
from runner.store.tokens import SqlTokens
from runner.store.webhooks import SqlWebhooks
from runner.wiring.answering import answered, wished
from runner.wiring.carrying import Stores, stores
from runner.wiring.delivering import delivering
from runner.wiring.intake import Intake, queue_of
from runner.wiring.listening import listen
from runner.wiring.process import Carrying, carrying
from runner.wiring.pulse import Pulse
from runner.wiring.rounds import rounds
from runner.wiring.telling import telling
from runner.wiring.working import about

_PRUNED: Final = 600.0
"""Seconds between two removals of old events and replies."""

log = logging.getLogger(__name__)


class Service:
    """What is asked of a server; any thread may call it. Every method raises StoreUnavailable when the record cannot be used."""

    def __init__(self, configuration: Configuration, process: Carrying, kept: Stores) -> None:
        self.configuration = configuration
        self.kept = kept
        self.where = process.where
        self.tokens, self.events, self.replies = SqlTokens(self.where.state), SqlEvents(self.where.state), SqlReplies(self.where.state)
        self.pulse = Pulse(self.events)
        self.webhooks, self.deliveries = SqlWebhooks(self.where.state), SqlDeliveries(self.where.state)
        self._process = process

    def accept(self, asked: Asked, *, by: str) -> Queued:
        """Put a request on record, for a worker that knows its names; one that is there already stays as it is. Raises UsageError.

        It is handed over once: where this process dies before it could, whoever keeps watch finds it.
        """
        known = self.configuration
        if asked.command is Command.SUBMIT and asked.target not in known.targets:
            raise UsageError(f"there is no target '{asked.target}'", hint=f"There are: {', '.join(sorted(known.targets)) or 'none'}.")
        if asked.command is Command.CHECK and asked.repo not in known.repos:
            raise UsageError(f"there is no repository '{asked.repo}'", hint=f"There are: {', '.join(sorted(known.repos)) or 'none'}.")
        queued = self.kept.requests.queue(asked, by=by)
        if queued is Queued.NEW:
            self._process.executor.hand_over(asked.run, 0, queue_of(repo=asked.repo, target=asked.target))
        return queued

    def answer(self, run: str, verb: str, who: str, reason: str) -> None:
        """Approve or deny a held run. Raises UsageError where it is not held, or its author approves."""
        self._process.executor.carry(run, answered(run, verb, who, reason, self.kept))

    def ask(self, run: str, wish: str, who: str, reason: str) -> None:
        """Ask for `cancel`, `confirm` or `rollback`. Raises UsageError where that means nothing."""
        requests = self.kept.requests
        if wish == "cancel" and (requests.cancel(run, by=who, reason=reason) or requests.wish(run, by=who, reason=reason)):
            return
        was = wished(run, wish, who, reason, self.kept, anywhere=True)
        self._process.go_on(run, wish=wish, was=was)

    def set_out(self, submission: Submission) -> str:
        """Put on file what is ready to be carried, and leave it to whoever watches; its run, or the one that does the same."""
        run = self.kept.submissions.file(submission)
        leg = self.kept.submissions.load(run).leg
        self._process.executor.carry(run, leg, late=submission.run.command is Command.RESTORE)
        return run

    def target_of(self, run: str) -> str:
        """The name of the target that a run was asked for, or the target itself."""
        request = self.kept.requests.load(run)
        return request.asked.target if request else self.kept.runs.show(run).target

    def look(self) -> None:
        """Look after runs that nobody works on, as `seatrial watch` does. It may raise anything."""
        self._process.keeper.look(self.kept, everything=True)

    def close(self) -> None:
        """Let go of the database."""
        for store in (self.tokens, self.events, self.replies, self.webhooks, self.deliveries):
            store.close()


def serve(configuration: Configuration, progress: Progress, *, app: str, works: bool = True) -> None:
    """Serve until this process is asked to end; `app` names what makes the application of a Service, as MODULE:FUNCTION.

    `works`: it also carries what was asked for; else it leaves that to workers.

    Raises StoreUnavailable, UsageError where the address cannot be used, InfrastructureError where the server is not installed.
    """
    where = places()
    for folder in where.folders.values():
        claim(folder)
    module, _, name = app.partition(":")
    make: Callable[[Service], Any] = getattr(importlib.import_module(module), name)
    with ExitStack() as stack:
        voice = stack.enter_context(telling(where, progress))
        intake = Intake(configuration, where, voice) if works else None
        process, kept = stack.enter_context(carrying(WATCH, voice, intake)), stack.enter_context(stores(where))
        for folder in (where.state / "objects").glob("*"):
            sweep(folder)
        service = Service(configuration, process, kept)
        process.executor.tell(about("server", intake))
        listens = partial(progress.note, f"serving on {configuration.listen} as {process.executor.id}")
        stack.callback(service.close)
        with rounds(_Turn(service), progress.note), delivering(service.deliveries, configuration.webhooks.allow):
            listen(make(service), configuration.listen, listens)


class _Turn:
    """Looks after runs, and removes what is old now and then."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._due = 0.0

    def __call__(self) -> None:
        now = time.monotonic()
        if now >= self._due:
            self._due = now + _PRUNED
            for store in (self._service.events, self._service.replies, self._service.deliveries):
                self._prune(store)
        self._service.look()

    @staticmethod
    def _prune(store: SqlEvents | SqlReplies | SqlDeliveries) -> None:
        """It can wait, and runs cannot."""
        try:
            store.prune()
        except StoreUnavailable as problem:
            log.info("what is old could not be removed: %s", problem)
        except Exception:
            log.exception("what is old could not be removed")
