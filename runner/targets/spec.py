"""Reads TARGET as it is typed: `git:PATH#REF`, `git:PATH` or `dir:PATH`."""

from pathlib import Path
from typing import Final, Literal, NamedTuple

from runner.errors import UsageError
from runner.git.landing import OTHERS_REFS, allowed
from runner.model.text import printable

_FORMS: Final = "Give git:PATH#REF for a ref of a repository, or dir:PATH for a live folder."
_HALF: Final = ("heads/", "tags/", "remotes/")


class Spec(NamedTuple):
    """A target as somebody named it; `path` is absolute, `ref` a full name, empty when none was given and for a folder."""

    kind: Literal["git", "dir"]
    path: Path
    ref: str = ""

    def __str__(self) -> str:
        return f"{self.kind}:{self.path}#{self.ref}" if self.ref else f"{self.kind}:{self.path}"

    def at(self, run: str) -> "Spec":
        """The same with the ref that a run makes of its own where none was named."""
        return self._replace(ref=f"refs/heads/seatrial/{run}") if self.kind == "git" and not self.ref else self


def parse(text: str) -> Spec:
    """What a TARGET means, seen from the current directory; raises UsageError with a hint. Whether there is such a target is not looked at."""
    if printable(text) != text:
        raise UsageError(f"the target '{printable(text)}' has characters that cannot be typed", hint=_FORMS)
    kind, colon, rest = text.partition(":")
    if not colon or kind not in ("git", "dir"):
        raise UsageError(f"'{text}' does not say what kind of target it is", hint=_FORMS)
    if kind == "dir":
        return Spec("dir", _beside(_path(rest, text)))
    path, mark, ref = rest.rpartition("#")
    if not mark:
        return Spec("git", _path(rest, text).resolve())
    return Spec("git", _path(path, text).resolve(), _ref(ref, text))


def _path(given: str, text: str) -> Path:
    if not given:
        raise UsageError(f"the target '{text}' names no path", hint=_FORMS)
    return Path.cwd() / given


def _beside(path: Path) -> Path:
    """The path with all links resolved but a last one, which may be the live folder's own."""
    return path.resolve() if path.name in ("", "..") else path.parent.resolve() / path.name


def _ref(given: str, text: str) -> str:
    if not given:
        raise UsageError(
            f"the target '{text}' names no ref after the '#'", hint="Leave the '#' out, and the run makes a branch of its own."
        )
    if given in ("HEAD", "@") or given.endswith("/HEAD"):
        raise UsageError(f"the target '{text}' names {given}, which only stands for a branch", hint="Name the branch itself.")
    if given.startswith(_HALF):
        raise UsageError(f"'{given}' may be a branch of that name or something else", hint=f"Name it in full: #refs/{given}")
    ref = given if given.startswith("refs/") else f"refs/heads/{given}"
    if "/-" in ref or not allowed(ref):
        raise UsageError(f"git allows no ref of the name '{ref}'", hint="`git check-ref-format` says what a name may be.")
    if ref.startswith(OTHERS_REFS) or ref.count("/") == 1:
        raise UsageError(f"'{ref}' has a meaning of its own and cannot be a target", hint="Name a branch.")
    return ref
