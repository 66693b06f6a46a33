"""A git ref as a target: our commit of the tried tree is put upon it by compare-and-swap, and taken back by another or by a commit that undoes it."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, NamedTuple

from runner.crashpoints import crashpoint
from runner.errors import ChangeRefused, Fenced, InfrastructureError, TargetMoved, UsageError
from runner.git.checkout import Checkout, behind, bring, checkouts, edited, unready
from runner.git.landing import WHO, Fence, Landing, Tip, machine
from runner.git.objects import PrivateObjects
from runner.git.push import Remote
from runner.git.trees import DIRECTORY, GITLINK, Entry
from runner.model.promotion import Look, Place, Promotion, Standing, Step
from runner.model.text import printable, shown
from runner.ports import Item, TreeEntry, Trees
from runner.targets.message import REVERTS, undoing
from runner.targets.options import Promote
from runner.targets.spec import Spec

_TRIES: Final = 5
"""How often taking back is begun anew because others move the ref meanwhile."""
_KINDS: Final = {"120000": "link", GITLINK: "folder"}


class _Notes(NamedTuple):
    """What `prepare` noted. An empty id stands for a ref that was not there."""

    old: str
    new: str
    had: str
    """A commit of which the repository had everything already."""
    remote: str
    timeout: float


class RefTarget:
    """The ref that `spec` names; `objects` reads the repository of the change and this one, and so do the trees that its methods are given.

    Readers of the ref see the old commit or the new one. A work tree that has it checked out is brought along a moment later, and
    its readers may see a mix; the same holds for a remote that is pushed to.
    """

    kind = "git"

    def __init__(self, spec: Spec, objects: PrivateObjects, options: Promote) -> None:
        """Raises UsageError when there is no such repository."""
        self._landing = Landing(spec.path, objects.home)
        self._ref = spec.ref
        self._objects = objects
        self._options = options
        self.key = f"git:{self._landing.root}#{spec.ref}"

    # What it is

    def look(self, trees: Trees, candidates: Sequence[str]) -> Look:  # noqa: ARG002
        """Its commit and that one's tree, whether or not it was asked about; where there is no ref yet, the first tree asked about.

        Raises UsageError when it is no commit, or another ref's name.
        """
        with machine():
            tip = self._landing.at(self._ref)
        if tip is None:
            return Look(tree=next(iter(candidates), ""), absent=True, reason=f"there is no {self._called} yet")
        known = not candidates or tip.tree in candidates
        return Look(tree=tip.tree, commit=tip.commit, reason="" if known else f"{self._called} is at {tip.commit[:12]}")

    def obstacle(self, trees: Trees, before: str, after: str) -> str:  # noqa: ARG002
        """Why it cannot become `after`; empty when it can. Asks the remote where the policy names one."""
        if self._objects.repository.object_format != self._landing.repository.object_format:
            return "the target names its objects by another kind of digest than the repository of the change"
        with machine():
            if other := self._landing.symbolic(self._ref):
                return f"{self._called} only stands for {printable(other)}; name that one as the target"
            if other := self._landing.in_the_way(self._ref):
                return f"{self._called} cannot be made beside {printable(other)}"
            tip = self._landing.at(self._ref)
            return self._work_tree_in_the_way(tip, before, after) or self._remote_in_the_way(tip)

    def items(self, trees: Trees, tree: str) -> Iterator[Item]:
        """The files, links and folders of a tree, from its objects; a submodule is a folder."""
        made: set[bytes] = set()
        for entry in trees.entries(tree):
            yield from (Item(folder, "folder", 0o755, bytes) for folder in _folders(entry.path) if folder not in made)
            made.update(_folders(entry.path))
            kind = _KINDS.get(entry.mode, "file")
            mode = 0 if kind == "link" else 0o755 if kind == "folder" or entry.mode == "100755" else 0o644
            yield Item(entry.path, kind, mode, bytes if kind == "folder" else _reading(trees, entry.blob))

    # Going there

    def prepare(self, promotion: Promotion, trees: Trees) -> Promotion:  # noqa: ARG002
        """Make our commit and put all that it needs into the repository. Raises TargetMoved when the ref is not `before` any more."""
        fence = _fence(promotion)
        with machine():
            self._landing.claim(fence)
            self._landing.sweep(fence)
            with _moved():
                tip = self._landing.at(self._ref)
            if tip is not None and tip.tree != promotion.before:
                raise TargetMoved(f"{self._called} is at {tip.commit[:12]} now, which is not what the change was tried upon")
            old = tip.commit if tip else ""
            had = old or (promotion.base if self._landing.holds(promotion.base) else "")
            new = self._objects.commit(promotion.after, old or promotion.base, promotion.message, who=WHO, when=promotion.when)
            crashpoint("git.commit.made")
            self._send(new, had, fence)
        push = self._options.push
        details: dict[str, Any] = {"old": old, "new": new, "ref": self._ref, "had": had}
        details |= {"remote": push.remote, "push_timeout": push.timeout} if push else {}
        return promotion.model_copy(update={"method": "ref", "details": details})

    def swap(self, promotion: Promotion, trees: Trees) -> None:  # noqa: ARG002
        """Move the ref; then the work tree and the remote follow. When one of those cannot, the ref goes back before this raises."""
        notes = _notes(promotion)
        fence = _fence(promotion)
        with machine(), _moved():
            if why := self._checked_out(notes.old, notes.new):
                raise TargetMoved(why)
            crashpoint("git.ref.before")
            self._landing.move(self._ref, notes.old, notes.new, fence, f"seatrial: run {promotion.run}")
            crashpoint("git.ref.after")
            self._follow(notes, fence, cut_short=False)

    # Where it stands

    def recover(self, promotion: Promotion, trees: Trees) -> Standing:  # noqa: ARG002
        """Fence others off, let work tree and remote follow the ref where that was cut short, and say where the ref is."""
        fence = _fence(promotion)
        with machine():
            if promotion.step.open:
                self._landing.claim(fence)
                self._landing.sweep(fence)
            notes = _notes(promotion)
            try:
                tip = self._landing.at(self._ref)
                standing = self._standing(promotion, notes, tip)
                if promotion.step is not Step.PREPARED or standing.place is Place.OTHER:
                    return standing
                return self._finish(promotion, notes, standing, tip)
            except UsageError as odd:
                return self._by_hand(notes, str(odd))

    def take_back(self, promotion: Promotion, trees: Trees) -> Standing:  # noqa: ARG002
        """Move the ref back if it is still our commit; where others have built upon that, undo it by a commit on top of theirs.

        A clean work tree that has the ref checked out is brought along whatever the policy says of promotions.
        """
        notes = _notes(promotion)
        why = ""
        with machine():
            self._landing.claim(_fence(promotion))
            for _ in range(_TRIES):
                try:
                    tip = self._landing.at(self._ref)
                    standing = self._standing(promotion, notes, tip)
                    if standing.place is Place.OTHER or not notes.new:
                        return standing
                    return self._taken_back(promotion, notes, standing, tip)
                except TargetMoved as moved:
                    why = str(moved)
                except UsageError as odd:
                    return self._by_hand(notes, str(odd))
                except ChangeRefused as refused:
                    return self._by_hand(notes, f"others have changed the same places since: {refused}")
            return self._by_hand(notes, why)

    def verify(self, promotion: Promotion, trees: Trees, tree: str) -> str:  # noqa: ARG002
        """Whether the ref holds exactly `tree`, or what is left of it where the change was undone below others' work; all objects, and files, too."""
        notes = _notes(promotion)
        with machine():
            try:
                tip = self._landing.at(self._ref)
            except UsageError as odd:
                return str(odd)
            if tip is None:
                return "" if not notes.old and tree == promotion.before else f"there is no {self._called} any more"
            if tip.tree != tree and not (tree == promotion.before and self._undone(promotion, notes, tip)):
                return f"{self._called} is at {tip.commit[:12]}, which holds tree {tip.tree[:12]} and not {tree[:12]}"
            if not self._landing.complete(tip.commit, notes.had if notes.had != tip.commit else ""):
                return f"objects of {tip.commit[:12]} are missing in the repository; `git fsck` tells more"
            for place in self._places():
                other = notes.old if tip.commit == notes.new else notes.new
                if other and (paths := behind(place, other, tip.commit)):
                    return (
                        f"files of the work tree '{shown(bytes(place.folder))}' are not as in the ref: {', '.join(map(shown, paths[:5]))}"
                    )
        return ""

    def tidy(self, promotion: Promotion, trees: Trees) -> None:  # noqa: ARG002
        """Remove the fence, and what was left on its way in. A commit that was taken back is left to git's own housekeeping."""
        with machine():
            self._landing.release(_fence(promotion))

    # Inside: what it is

    @property
    def _called(self) -> str:
        return printable(self._ref)

    def _places(self) -> tuple[Checkout, ...]:
        return checkouts(self._landing, self._ref)

    def _work_tree_in_the_way(self, tip: Tip | None, before: str, after: str) -> str:
        places = self._places()
        if not places:
            return ""
        where = f"{self._called} is checked out in the work tree '{shown(bytes(places[0].folder))}'"
        if self._options.worktree == "refuse":
            return f"{where}; `promote.worktree: update_if_clean` allows to bring it along, or check another branch out there"
        if tip is None:
            return f"{where}, and has no commit yet"
        if len(places) > 1:
            return f"{where} and in others"
        reading = Checkout(places[0].folder, places[0].git.with_env(GIT_ALTERNATE_OBJECT_DIRECTORIES=self._objects.directory_quoted))
        why = unready(reading, before, after)
        return f"{where}, and {why}" if why else ""

    def _remote_in_the_way(self, tip: Tip | None) -> str:
        push = self._options.push
        if push is None:
            return ""
        found = Remote(self._landing, push.remote, push.timeout).at(self._ref)
        if found != (tip.commit if tip else ""):
            return f"{self._called} is at {found[:12] or 'nothing'} at the remote '{printable(push.remote)}', and here at {tip.commit[:12] if tip else 'nothing'}"
        return ""

    def _checked_out(self, old: str, new: str) -> str:
        """Why a work tree forbids the step from one commit to another."""
        places = self._places()
        if not places:
            return ""
        where = f"{self._called} is checked out in the work tree '{shown(bytes(places[0].folder))}'"
        if self._options.worktree == "refuse" or not old or len(places) > 1:
            return f"{where} now"
        why = unready(places[0], old, new)
        return f"{where}, and {why}" if why else ""

    # Inside: going there

    def _send(self, commit: str, had: str, fence: Fence) -> None:
        """Put all that belongs to a commit into the repository, from which `had` and what is behind it may be left out."""
        if not self._landing.complete(commit, had):
            self._landing.receive(self._objects.packed(commit, (had,) if had else self._landing.tips()), fence)
            if not self._landing.complete(commit, had):
                raise InfrastructureError(f"the target repository lacks objects of {commit[:12]}", hint="`git fsck` there tells more.")
        self._landing.settle()

    def _follow(self, notes: _Notes, fence: Fence, *, cut_short: bool) -> None:
        """Work tree and remote after the ref; where they cannot, the ref goes back and this raises."""
        try:
            self._bring(notes.old, notes.new, cut_short=cut_short)
            self._push(notes, notes.old, notes.new, fence)
        except (TargetMoved, UsageError):
            self._return(notes, fence)
            raise
        except InfrastructureError:
            if notes.remote and self._remote(notes).at(self._ref) == notes.new:
                raise  # it went through, whatever was said: `recover` goes on from there
            self._return(notes, fence)
            raise

    def _return(self, notes: _Notes, fence: Fence) -> None:
        try:
            self._landing.move(self._ref, notes.new, notes.old, fence, "seatrial: the promotion could not be completed")
        except TargetMoved as moved:  # not to be told as a promotion that never was
            raise InfrastructureError(f"the promotion could not be completed, and others have gone on from it: {moved}") from moved
        self._bring(notes.new, notes.old, cut_short=True)

    def _bring(self, old: str, new: str, *, cut_short: bool) -> None:
        for place in self._places() if old and new else ():
            crashpoint("git.tree.before")
            bring(place, old, new, cut_short=cut_short)
            crashpoint("git.tree.after")

    def _push(self, notes: _Notes, old: str, new: str, fence: Fence) -> None:
        if not notes.remote:
            return
        self._landing.check(fence)
        crashpoint("git.push.before")
        self._remote(notes).move(self._ref, old, new)
        crashpoint("git.push.after")
        try:
            self._landing.check(fence)
        except Fenced:  # frozen on the way: whoever took over has not seen this push
            self._remote(notes).move(self._ref, new, old)
            raise

    def _remote(self, notes: _Notes) -> Remote:
        return Remote(self._landing, notes.remote, notes.timeout)

    def _finish(self, promotion: Promotion, notes: _Notes, standing: Standing, tip: Tip | None) -> Standing:
        """The same once work tree and remote are where the ref is, after a swap that was cut short."""
        commit = tip.commit if tip else ""
        if notes.remote and commit == notes.new:
            found = self._remote(notes).at(self._ref)
            if found not in (notes.old, notes.new):
                return self._by_hand(notes, f"the remote '{printable(notes.remote)}' is at {found[:12] or 'nothing'}")
        try:
            if commit == notes.new:
                self._follow(notes, _fence(promotion), cut_short=True)
            elif commit == notes.old:
                self._bring(notes.new, notes.old, cut_short=True)
        except TargetMoved as moved:
            try:
                self._bring(notes.new, notes.old, cut_short=True)
            except TargetMoved:
                return self._by_hand(notes, str(moved))
            return Standing(place=Place.OLD, reason=str(moved), tree=promotion.before)
        return standing

    # Inside: where it stands

    def _standing(self, promotion: Promotion, notes: _Notes, tip: Tip | None) -> Standing:
        commit = tip.commit if tip else ""
        if notes.new and commit == notes.new:
            return Standing(place=Place.NEW, tree=promotion.after)
        if (notes.new and commit == notes.old) or (tip.tree == promotion.before if tip else not notes.new):
            return Standing(place=Place.OLD, tree=promotion.before)
        if tip is not None and self._landing.descends(commit, notes.new):
            if undone := self._undone(promotion, notes, tip):
                reason = f"{self._called} is at {commit[:12]}: others have built upon the change, and {undone[:12]} has undone it"
                return Standing(place=Place.OLD, reason=reason, tree=tip.tree)
            return Standing(place=Place.NEW, reason=f"{self._called} is at {commit[:12]}: others have built upon the change", tree=tip.tree)
        return self._by_hand(notes, f"{self._called} is at {commit[:12] or 'nothing'}, and somebody else has put it there")

    def _by_hand(self, notes: _Notes, why: str) -> Standing:
        if not notes.new:
            return Standing(place=Place.OTHER, reason=why)
        where = shown(bytes(self._landing.root))
        reason = f"{why}; whether the change is in: git -C '{where}' log {self._called}; to undo it by hand: git revert {notes.new[:12]}"
        return Standing(place=Place.OTHER, reason=reason)

    def _undone(self, promotion: Promotion, notes: _Notes, tip: Tip) -> str:
        """The commit that has undone ours below others' work; empty when none has. Nobody's word is taken for it."""
        if not self._landing.descends(tip.commit, notes.new):
            return ""
        for commit, parent in self._landing.saying(f"{REVERTS}: {notes.new}", tip.commit, notes.new):
            try:
                if self._objects.tree_of(commit) == _without(self._objects, self._objects.tree_of(parent), promotion):
                    return commit
            except ChangeRefused:
                continue
        pairs = self._objects.raw_diff(promotion.after, promotion.before)
        as_before = (
            self._objects.find(tip.tree, some.path) == (_entry(old) if old else None) for new, old in pairs if (some := new or old)
        )
        return tip.commit if all(as_before) else ""

    # Inside: taking back

    def _taken_back(self, promotion: Promotion, notes: _Notes, standing: Standing, tip: Tip | None) -> Standing:
        """Raises TargetMoved when the ref moves meanwhile, ChangeRefused when others have changed the same places."""
        fence = _fence(promotion)
        commit = tip.commit if tip else ""
        start, to = self._way_back(promotion, notes, standing, tip)
        done = commit == to
        if why := self._kept_back(start, to, cut_short=done):
            return self._by_hand(notes, why)
        found = self._remote(notes).at(self._ref) if notes.remote else notes.old
        if found not in (notes.old, notes.new, start, to):
            return self._by_hand(notes, f"the remote '{printable(notes.remote)}' is at {found[:12] or 'nothing'}")
        if found == notes.new:
            self._push(notes, notes.new, notes.old, fence)
        if not done:
            crashpoint("git.back.before")
            self._landing.move(self._ref, commit, to, fence, f"seatrial: run {promotion.run} is taken back")
            crashpoint("git.back.after")
        self._bring(start, to, cut_short=done)
        if found == start and found not in (notes.old, notes.new):  # others have pushed what they built upon ours
            self._push(notes, start, to, fence)
        if to == notes.old:
            return Standing(place=Place.OLD, tree=promotion.before)
        reason = f"others had built upon the change: {to[:12]} undoes it and keeps their work"
        return Standing(place=Place.OLD, reason=reason, tree=self._objects.tree_of(to))

    def _way_back(self, promotion: Promotion, notes: _Notes, standing: Standing, tip: Tip | None) -> tuple[str, str]:
        """From which commit to which work tree and remote are to go; the ref itself may be there already."""
        commit = tip.commit if tip else ""
        if commit in (notes.old, notes.new):
            return notes.new, notes.old
        if tip is None or standing.place is Place.OLD:
            return self._objects.parent_of(commit) or "", commit
        return commit, self._undoing(promotion, notes, tip)

    def _undoing(self, promotion: Promotion, notes: _Notes, tip: Tip) -> str:
        """A commit on top of others' work that undoes ours, in the repository."""
        tree = _without(self._objects, tip.tree, promotion)
        said = undoing(promotion.message, promotion.run, notes.new)
        when = max(promotion.when, self._objects.date_of(tip.commit))
        commit = self._objects.commit(tree, tip.commit, said, who=WHO, when=when)
        self._send(commit, tip.commit, _fence(promotion))
        return commit

    def _kept_back(self, start: str, to: str, *, cut_short: bool) -> str:
        """Why no work tree can follow from one commit to another."""
        for place in self._places():
            where = f"the work tree '{shown(bytes(place.folder))}'"
            if not to:
                return f"{self._called} is checked out in {where}, and would be gone"
            if start and (paths := edited(place, start, to, cut_short=cut_short)):
                return f"somebody has edited files of {where}: {', '.join(map(shown, paths[:5]))}"
        return ""


@contextmanager
def _moved() -> Iterator[None]:
    """A ref that has become something else on the way is not what the change was tried upon any more."""
    try:
        yield
    except UsageError as odd:
        raise TargetMoved(str(odd)) from odd


def _notes(promotion: Promotion) -> _Notes:
    found: dict[str, Any] = promotion.details
    return _Notes(
        str(found.get("old", "")),
        str(found.get("new", "")),
        str(found.get("had", "")),
        str(found.get("remote", "")),
        float(found.get("push_timeout", 0.0)),
    )


def _fence(promotion: Promotion) -> Fence:
    return Fence(promotion.run, promotion.fence)


def _entry(entry: TreeEntry) -> Entry:
    return Entry(entry.mode, entry.blob)


def _folders(path: bytes) -> tuple[bytes, ...]:
    """The folders that lead to a path, outermost first."""
    parts = path.split(b"/")
    return tuple(b"/".join(parts[:count]) for count in range(1, len(parts)))


def _reading(trees: Trees, blob: str) -> Callable[[], bytes]:
    return lambda: trees.blobs([blob])[blob]


def _without(objects: PrivateObjects, head: str, promotion: Promotion) -> str:
    """The tree `head` without the change that is in it, exactly; raises ChangeRefused when others have changed the same places."""
    pairs = objects.raw_diff(promotion.after, promotion.before)
    untouched = all(_is(objects.find(head, some.path), there) for there, before in pairs if (some := there or before))
    if untouched:
        bare = objects.rewrite(head, {before.path if before else there.path: None for there, before in pairs if there})
        put = {before.path: _entry(before) for _, before in pairs if before}
        if all(objects.free(bare, path) for path in put):
            return objects.rewrite(bare, put)
    return objects.apply(head, objects.patch(promotion.after, promotion.before))


def _is(found: Entry | None, wanted: TreeEntry | None) -> bool:
    """Whether a tree has just that at a path; a directory counts as nothing, as where a file gave way to one."""
    if wanted is None:
        return found is None or found.mode == DIRECTORY
    return found == _entry(wanted)
