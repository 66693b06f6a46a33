"""Keys of requests: the same key for the same thing, so that it may be asked for again and is done once."""

import os
from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Final
from uuid import uuid4

_JOBS: Final = (
    ("GITHUB_REPOSITORY", "GITHUB_RUN_ID", "GITHUB_RUN_ATTEMPT", "GITHUB_JOB"),
    ("CI_SERVER_URL", "CI_JOB_ID"),
    ("BUILD_BUILDID", "SYSTEM_JOBID", "SYSTEM_JOBATTEMPT"),
    ("BUILDKITE_JOB_ID",),
    ("CIRCLE_WORKFLOW_JOB_ID",),
    ("BUILD_TAG",),
)
"""The variables that together name one attempt of one job: of GitHub, GitLab, Azure Pipelines, Buildkite, CircleCI, Jenkins."""


def fresh() -> str:
    """A key for what is asked for once."""
    return uuid4().hex


def job(env: Mapping[str, str] = os.environ) -> str:
    """The CI job that this is, or empty where none is known."""
    for names in _JOBS:
        if all(env.get(name) for name in names):
            return "\0".join(f"{name}={env[name]}" for name in names)
    return ""


def key(wanted: Iterable[bytes], env: Mapping[str, str] = os.environ) -> str:
    """The key of what is wanted: in a CI job always the same for the same thing, so that a step that is run again finds its run; else a new one."""
    known = job(env)
    if not known:
        return fresh()
    digests = [sha256(part).hexdigest() for part in wanted]  # of each part: no two lists of parts read the same
    return sha256("\0".join((known, *digests)).encode("utf-8", "surrogateescape")).hexdigest()


def after(earlier: str, run: str) -> str:
    """The key of the next attempt, where what had the earlier key came to nothing as that run."""
    return sha256(f"{earlier}\0{run}".encode()).hexdigest()
