"""Bugs that are planted in a process of the harness, each of which it must find."""

import os
from collections.abc import Callable
from typing import Any, Final

from runner.git import landing
from runner.model.promotion import Promotion, Step
from runner.store import promotions as store
from runner.targets.folder import exchange, staging, stepping
from runner.vault import making, syncing


def no_compare_and_swap() -> None:
    """The ref is moved whatever it is at, and the folder exchanged whatever is in it."""

    def move(self: landing.Landing, ref: str, _old: str, new: str, _fence: landing.Fence, why: str) -> None:
        self._told("update-ref", "-m", why, ref, new)

    landing.Landing.move = move  # type: ignore[method-assign]
    stepping._unedited = lambda _step: None


def no_look_back() -> None:
    """The folder that comes out of an exchange is taken for the one that was meant."""
    exchange._change = lambda task, _number: exchange.exchange(task.place.path, exchange._beside(task))


def no_sync() -> None:
    """Nothing that is laid or kept is synced."""

    def nothing(*_: object, **__: object) -> None:
        """As if it were."""

    staging._Layer.finish = _finish_unsynced  # type: ignore[method-assign]
    for module in (staging, making):
        module.sync_folder = nothing  # type: ignore[attr-defined]
    syncing.Batch.sync = nothing  # type: ignore[method-assign]
    syncing.Batch.sync_all = nothing  # type: ignore[method-assign]
    landing.sync_folder = nothing


def record_after_swap() -> None:
    """What is prepared is written down once it was promoted."""
    real = store.SqlPromotions.step

    def step(self: store.SqlPromotions, promotion: Promotion, **changes: Any) -> Promotion:
        if changes.get("step") is Step.PREPARED:
            return promotion.model_copy(update=changes)
        return real(self, promotion, **changes)

    store.SqlPromotions.step = step  # type: ignore[method-assign]


def forgotten_intent() -> None:
    """The intent, and all that follows up to the swap, is not committed."""
    real = store.SqlPromotions.step

    def begin(_self: store.SqlPromotions, promotion: Promotion) -> Promotion:
        return promotion

    def step(self: store.SqlPromotions, promotion: Promotion, **changes: Any) -> Promotion:
        if self.find(promotion.run) is None:
            return promotion.model_copy(update=changes)
        return real(self, promotion, **changes)

    store.SqlPromotions.begin = begin  # type: ignore[method-assign]
    store.SqlPromotions.step = step  # type: ignore[method-assign]
    store.SqlPromotions.check = lambda _self, _promotion: None  # type: ignore[method-assign]


def fence_ignored() -> None:
    """Whoever takes over does not raise the fence, and nobody looks at it; what the ref is at is still looked at."""
    begin = store.SqlPromotions.begin

    def take(_self: store.SqlPromotions, promotion: Promotion) -> Promotion:
        return promotion

    def begun(self: store.SqlPromotions, promotion: Promotion) -> Promotion:
        new = begin(self, promotion)
        return self.step(new, fence=1) if new.run == promotion.run else new

    def move(self: landing.Landing, ref: str, old: str, new: str, _fence: landing.Fence, why: str) -> None:
        self._told("update-ref", "-m", why, ref, new, old)

    store.SqlPromotions.take = take  # type: ignore[method-assign]
    store.SqlPromotions.begin = begun  # type: ignore[method-assign]
    store.SqlPromotions.check = lambda _self, _promotion: None  # type: ignore[method-assign]
    landing.Landing.move = move  # type: ignore[method-assign]
    landing.Landing.claim = lambda _self, _fence: None  # type: ignore[method-assign]
    landing.Landing.check = lambda _self, _fence: ""  # type: ignore[method-assign]


PLANTS: Final[dict[str, Callable[[], None]]] = {
    plant.__name__: plant for plant in (no_compare_and_swap, no_look_back, no_sync, record_after_swap, forgotten_intent, fence_ignored)
}


def _finish_unsynced(self: staging._Layer, _files: list[Any]) -> None:
    for path in sorted(self._made, reverse=True):
        made = self._staged.folder(path)
        staging.owned(made, os.geteuid(), os.getegid())
