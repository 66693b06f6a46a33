"""PT: paths that lead out of the tree, or are not the kind of thing they were."""

from testing.forgeries.forgery import Content, Files, Forgery, Link, Program
from testing.forgeries.subject import KEEL_PATH, KEEL_TIDY, README

_HONEST: Files = {"README.md": f"{README}\nDepths are in metres.\n"}


def _new(path: str, *, mode: str = "100644", text: str = "out") -> str:
    return (
        f"diff --git a/{path} b/{path}\nnew file mode {mode}\nindex 0000000..6690f8e\n--- /dev/null\n+++ b/{path}\n@@ -0,0 +1 @@\n+{text}\n"
    )


def _raw(name: str, patch: str, path: str = "README.md") -> Forgery:
    return Forgery(name, "PT-*", "D", {path: ""}, _HONEST, patch=patch.encode())


def _laid(name: str, path: str, forged: Content, honest: Content) -> Forgery:
    return Forgery(name, "PT-*", "D", {path: forged}, {path: honest})


_LINK = _new("out", mode="120000", text="/tmp").replace("+/tmp\n", "+/tmp\n\\ No newline at end of file\n")
FORGERIES = (
    _laid("a link to a file of the system", "docs/hosts", Link("/etc/passwd"), "No hosts.\n"),
    _laid("a link to the root in a folder of documents", "docs/all", Link("/"), "All documents.\n"),
    _laid("a link out of the tree by dots", "docs/near", Link("../../../etc"), "Near.\n"),
    _laid("a module turns into a link", KEEL_PATH, Link("/tmp/keel.py"), KEEL_TIDY),
    _laid("a document becomes a program", "README.md", Program(README), f"{README}\nNo program.\n"),
    _raw("a path climbs out", _new("../evil.txt")),
    _raw("a path that begins at the root", _new("/tmp/evil.txt")),
    _raw("a file below a link that the patch makes", _LINK + _new("out/evil.txt")),
    _raw("a file of git's own folder", _new(".git/hooks/pre-commit")),
    _raw("git's folder by another case", _new(".GIT/config")),
)
