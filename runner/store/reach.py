"""The part of the record that somebody reaches who is bound to targets."""

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement


class Reach(NamedTuple):
    """The runs of some targets, and the checks of their repositories.

    What a server was asked for is told by the names that it was asked for, all else by what the record calls targets and repositories.
    """

    targets: tuple[str, ...] = ()
    repos: tuple[str, ...] = ()
    """Names of the server's configuration."""
    keys: tuple[str, ...] = ()
    branches: tuple[str, ...] = ()
    """What the record calls those targets; of `branches` it is the beginning, after which each run has a name of its own."""
    folders: tuple[str, ...] = ()
    clones: tuple[str, ...] = ()
    """What the record calls those repositories; of `clones`, which each machine has in a place of its own, it is the end."""


def within(reach: Reach) -> "ColumnElement[bool]":
    """For a query of `runs`: whether the run is reached. Nothing but equal text is alike: databases differ in what they take for that."""
    from sqlalchemy import and_, exists, or_

    from runner.store.schema import requests, runs

    asked = exists().where(requests.c.run == runs.c.id)
    by_name = or_(requests.c.target.in_(reach.targets), and_(requests.c.target == "", requests.c.repo.in_(reach.repos)))
    return or_(
        asked.where(by_name), and_(~asked, or_(_at_target(reach), and_(runs.c.target == "", of_repository(reach, runs.c.repository))))
    )


def _at_target(reach: Reach) -> "ColumnElement[bool]":
    from sqlalchemy import func, or_

    from runner.store.schema import runs

    begins = (func.substr(runs.c.target, 1, len(branch)) == branch for branch in reach.branches)
    return or_(runs.c.target.in_(reach.keys), *begins)


def of_repository(reach: Reach, column: "ColumnElement[str]") -> "ColumnElement[bool]":
    """Whether a column names one of the repositories as the record calls them."""
    from sqlalchemy import func, or_

    ends = (func.substr(column, func.length(column) - len(clone) + 1) == clone for clone in reach.clones)
    return or_(column.in_(reach.folders), *ends)
