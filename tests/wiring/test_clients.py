"""What a worker makes of the word of a client: of a base above all, which whoever asks may have made."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from runner.model.configuration import Configuration
from runner.model.request import Asked
from runner.model.run import Command
from runner.policy.stored import restored
from runner.store.places import Places
from runner.wiring.carrying import stores
from runner.wiring.intake import ENDED, FILED, Intake
from testing.remotes import GitServer

GitIn = Callable[..., str]
PATCH = b"diff --git a/a.txt b/a.txt\n--- a/a.txt\n+++ b/a.txt\n@@ -1 +1 @@\n-one\n+1\n"


class Quiet:
    def stage(self, name: str) -> None: ...

    def note(self, text: str) -> None: ...

    def tests(self, side: str, done: int, total: int | None) -> None: ...

    def probe(self, name: str, said: str) -> None: ...


class World:
    """A worker of a repository and of a target that is another branch for each run, where no policy is named."""

    def __init__(self, folder: Path, repo: dict[str, str], bare: Path) -> None:
        self.where = Places(folder / "cache", folder / "state")
        targets = {"own": {"target": f"git:{bare}", "repo": "app"}}
        configuration = Configuration.model_validate({"seatrial-server": 1, "repos": {"app": repo}, "targets": targets})
        self.intake = Intake(configuration, self.where, lambda _: Quiet())
        self._runs = iter(f"{number:012x}" for number in range(1, sys.maxsize))

    def asked(self, command: Command, **given: object) -> tuple[str, str, str]:
        """What becomes of a request, the reason that its run ended for, and whose policy judges it."""
        run = next(self._runs)
        change = {} if "revision" in given else {"change": PATCH, "kind": "diff"}
        request = {"run": run, "command": command, "repo": "app", "author": "eve", **change, **given}
        asked = Asked.model_validate(request | ({"target": "own"} if command is Command.SUBMIT else {}))
        with stores(self.where) as kept:
            kept.requests.queue(asked, by="t")
            came = self.intake.read(run)
            came = came if came in (FILED, ENDED) else self.intake.check(run)
            policy = restored(kept.submissions.load(run).submission.policy).source if came == FILED else ""
            return came, kept.runs.show(run).reason, policy


@pytest.fixture
def forge(repository: Path, git_in: GitIn, tmp_path: Path) -> Path:
    """A bare repository with a branch that somebody pushed, with a policy of their own, and a commit that only a fork has."""
    bare = tmp_path / "forge" / "app.git"
    for name in ("evil", "fork"):
        git_in(repository, "checkout", "-qb", name, "main")
        (repository / ".seatrial").mkdir(exist_ok=True)
        (repository / ".seatrial/policy.yaml").write_text(f"seatrial: 1\n# {name}\npreflight: {{rate: []}}\n")
        (repository / "b.txt").write_text(name)
        git_in(repository, "add", "-A")
        git_in(repository, "commit", "-qm", name)
    git_in(repository, "checkout", "-q", "main")
    git_in(tmp_path, "clone", "-q", "--bare", str(repository), str(bare))
    git_in(bare, "update-ref", "refs/pull/1/head", "fork")
    git_in(bare, "branch", "-qD", "fork")
    git_in(bare, "config", "uploadpack.allowAnySHA1InWant", "true")
    return bare


@pytest.fixture(params=["here", "elsewhere"])
def world(request: pytest.FixtureRequest, forge: Path, tmp_path: Path) -> Iterator[World]:
    server = GitServer(forge.parent)
    yield World(tmp_path, {"path": str(forge)} if request.param == "here" else {"url": f"{server.url}/app.git"}, forge)
    server.close()


def test_a_submit_cannot_choose_its_policy_by_naming_a_base(world: World) -> None:
    came, reason, _ = world.asked(Command.SUBMIT, base="evil")
    assert (came, "is not in the history of main" in reason) == (ENDED, True)
    assert world.asked(Command.SUBMIT) == (FILED, "", "builtin:default")


@pytest.mark.parametrize("command", [Command.CHECK, Command.SUBMIT])
def test_no_base_is_taken_that_only_a_fork_has_but_a_change_may_come_from_one(
    world: World, forge: Path, git_in: GitIn, command: Command
) -> None:
    theirs = git_in(forge, "rev-parse", "refs/pull/1/head")
    came, reason, _ = world.asked(command, base=theirs)
    assert came == ENDED
    assert f"no revision '{theirs}'" in reason or "in no branch or tag" in reason
    came, reason, policy = world.asked(Command.SUBMIT, revision=theirs, kind="revision", base=git_in(forge, "rev-parse", "main"))
    assert (came, policy) == (FILED, "builtin:default"), reason
    came, reason, _ = world.asked(command, base=theirs)  # by now it is here
    assert (came, "in no branch or tag" in reason) == (ENDED, True)
