"""Which policy a command means that is about no change."""

from pathlib import Path

from runner.errors import UsageError
from runner.git.objects import PrivateObjects
from runner.policy.load import Loaded, builtin, find_policy, load_policy
from runner.sandbox import live
from runner.store.places import claim, places


def policy_here(file: Path | None, repo: Path) -> Loaded:
    """The policy in `file`, else that of the last commit of `repo`, else the built-in default. Raises PolicyInvalid."""
    if file is not None:
        return load_policy(file)
    try:
        with live.scratch(claim(places().cache) / "live") as folder, PrivateObjects(repo, folder / "objects") as objects:
            return find_policy(None, objects, objects.tree_of(objects.resolve("HEAD")), "HEAD")
    except UsageError:  # asked where there is no repository, or none with a commit
        return builtin()
