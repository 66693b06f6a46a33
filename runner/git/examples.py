"""A repository made of a folder, for the demonstration and nothing else."""

from pathlib import Path

from runner.errors import InfrastructureError
from runner.git.command import Git

_WHO = ("user.name=Seatrial", "user.email=demo@seatrial.invalid", "commit.gpgsign=false")


def commit_all(folder: Path, home: Path) -> None:
    """Make `folder` a repository with one commit of everything in it, by a git at home in `home`; raises InfrastructureError."""
    home.mkdir(exist_ok=True)
    git = Git(folder, home, (), _WHO)
    for words in (
        ("init", "--quiet", "--initial-branch=main"),
        ("add", "--all"),
        ("commit", "--quiet", "--message=The example project"),
    ):
        answer = git.run(*words)
        if not answer.ok:
            raise InfrastructureError(f"git {words[0]} failed: {answer.reason}")
