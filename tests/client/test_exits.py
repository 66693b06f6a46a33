"""What a run that nobody could read ends a command with: the same as where no server is asked."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from testing import commands
from testing.served import UNFIT, Served, serving
from testing.whole import commit, git


@pytest.fixture(scope="module")
def served(own_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server of a repository whose own policy cannot be used."""
    with serving(tmp_path_factory.mktemp("exits")) as made:
        made.stop()
        configuration = json.loads(made.file.read_text())
        del configuration["repos"]["app"]["policy"]
        made.file.write_text(json.dumps(configuration))
        work = made.folder / "work"
        (work / ".seatrial").mkdir(exist_ok=True)
        (work / ".seatrial/policy.yaml").write_text("seatrial: 1\nnonsense: 3\n")
        commit(work, "a policy that is none")
        git(work, "push", "-q", str(made.bare), "main")
        (made.folder / "unfit.diff").write_text(UNFIT)
        made.start()
        yield made


def check(served: Served, *argv: str) -> tuple[int, str]:
    environment = {**os.environ, "NO_COLOR": "1", "SEATRIAL_TOKEN": served.token, **served.env}
    done = commands.run(("check", str(served.folder / "unfit.diff"), *argv), env=environment, cwd=served.folder, text=True)
    return done.returncode, done.stderr


@pytest.mark.parametrize(
    ("argv", "code", "words"), [((), 2, "nonsense"), (("--base", "no-such-branch"), 2, "no-such-branch")], ids=["policy", "base"]
)
def test_a_mistake_is_one_with_a_server_and_without(served: Served, argv: tuple[str, ...], code: int, words: str) -> None:
    for where in (("--repo", str(served.bare)), ("--server", served.url, "--repo-name", "app")):
        told = check(served, *where, *argv)
        assert told[0] == code, told
        assert words in told[1]
