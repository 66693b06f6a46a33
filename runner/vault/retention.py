"""Which backups must stay: those that any rule keeps, and those that nobody may delete."""

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import groupby

from runner.ports import BackupRecord, Staying
from runner.vault.options import Options


def staying(records: Sequence[BackupRecord], now: float, options: Options) -> frozenset[tuple[str, str]]:
    """The id and target of each backup that must stay at the time `now`; one that is dated in the future counts as the newest."""
    by_target = sorted(records, key=lambda record: (record.target, -record.made, record.id))
    return frozenset(
        (record.id, target)
        for target, group in groupby(by_target, key=lambda record: record.target)
        for record in _staying(tuple(group), now, options)
    )


def rules(options: Options) -> Staying:
    """The same as a function of the record and the time alone."""
    return partial(staying, options=options)


def _staying(newest_first: Sequence[BackupRecord], now: float, options: Options) -> Iterator[BackupRecord]:
    yield from newest_first[: options.keep_last]
    yield from (record for record in newest_first if record.made > now - options.keep_within)
    yield from (record for record in newest_first if record.pinned or record.used)
    verified = [record for record in newest_first if record.verified is not None]
    yield from verified[:1]
    yield from [record for record in verified if record.made <= now][:1]  # a clock that ran ahead must not cost the newest true one
