"""What added lines look like: a short table of words that honest changes seldom need; layer `static` judges code for real."""

import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import NamedTuple

from runner.gates.anomaly.term import Term

MOST_LINE = 2**12
MOST_HITS = 20


class _Pattern(NamedTuple):
    words: re.Pattern[str]
    message: str
    weight: int
    code: bool = False
    """Only in program text and scripts."""


_TABLE = (
    _Pattern(
        re.compile(r"\b(?:curl|wget)\b[^|\n]{0,200}\|\s{0,4}(?:sudo\s{1,4})?(?:ba|z|da|k)?sh\b"), "a download goes straight to a shell", 30
    ),
    _Pattern(
        re.compile(r"\bbase64\b[^|\n]{0,80}(?:-d|--decode)\b[^|\n]{0,80}\|\s{0,4}(?:ba|z|da|k)?sh\b"),
        "an encoded script goes to a shell",
        30,
    ),
    _Pattern(
        re.compile(r"\b(?:exec|eval)\s{0,4}\([^()\n]{0,80}\b(?:b64decode|decompress|fromhex|unhexlify)\b"),
        "encoded code is run",
        30,
        code=True,
    ),
    _Pattern(
        re.compile(r"\.ssh/(?:id_|authorized_keys)|\.aws/credentials|\.netrc\b|/etc/shadow\b|\.docker/config\.json|\.kube/config"),
        "names a file of credentials",
        15,
    ),
    _Pattern(re.compile(r"\b169\.254\.169\.254\b|\bmetadata\.google\.internal\b"), "names where a cloud keeps credentials", 25),
    _Pattern(re.compile(r"/dev/tcp/|\bnc\s{1,4}-[a-z]{0,4}e\b|\bpty\.spawn\("), "opens a shell to another machine", 30),
    _Pattern(
        re.compile(r"\bPYTEST_CURRENT_TEST\b|[\"']pytest[\"']\s{1,4}in\s{1,4}\w{0,4}sys\.(?:modules|argv|orig_argv)\b|\bPYTEST_ADDOPTS\b"),
        "asks whether it is under test, or steers the test runner",
        25,
        code=True,
    ),
    _Pattern(re.compile(r"\bos\._exit\s{0,4}\(|\b_os\._exit\s{0,4}\("), "ends the process without its reports", 20, code=True),
    _Pattern(
        re.compile(
            r"^(?:\w{1,40}\s{0,4}=\s{0,4})?(?:subprocess\.\w{1,20}|os\.(?:system|popen|exec\w{1,4})|urllib\.request\.\w{1,20}|requests\.\w{1,10}|socket\.\w{1,30})\s{0,4}\("
        ),
        "starts a process or a connection at import",
        15,
        code=True,
    ),
    _Pattern(re.compile(r"^\s{0,40}(?:from|import)\s{1,4}(?:ctypes|cffi|marshal)\b"), "loads native or marshalled code", 8, code=True),
    _Pattern(
        re.compile(r"\bverify\s{0,4}=\s{0,4}False\b|\b_create_unverified_context\b|\bStrictHostKeyChecking[= ]no\b"),
        "switches a check of identity off",
        10,
    ),
)
_IGNORED = (
    _Pattern(
        re.compile(r"^\s{0,40}(?:- )?continue-on-error:\s{0,4}[\"']?true|^\s{0,40}(?:- )?allow_failure:\s{0,4}true"),
        "CI goes on where a step fails",
        0,
    ),
    _Pattern(
        re.compile(
            r"\b(?:pytest|tox|nox|unittest|make|npm|yarn|go test|cargo test|jest|coverage)\b[^#\n]{0,200}\|\|\s{0,4}(?:true\b|:(?:\s|$)|exit 0\b|echo\b)"
        ),
        "goes on where tests fail",
        0,
    ),
    _Pattern(
        re.compile(
            r"^\t-\s{0,4}(?:pytest|python|tox|nox|\$\(PYTEST\)|go test|npm test)\b|^\s{0,40}ignore_outcome\s{0,4}=\s{0,4}true|^\s{0,40}set \+e\b"
        ),
        "goes on where tests fail",
        0,
    ),
)
_CODE = frozenset({".py", ".pyw", ".js", ".ts", ".mjs", ".cjs", ".go", ".rs", ".rb", ".sh", ".bash", ".pl", ".php", ""})
_BUILD_NAMES = frozenset({"makefile", "gnumakefile", "justfile", "jenkinsfile", "tox.ini", "noxfile.py", "setup.cfg", "package.json"})


def is_build(path: str) -> bool:
    """Whether a file of this name says how tests are started."""
    pure = PurePosixPath(path.lower())
    folders = {".github", ".gitlab", ".circleci", ".ci", ".buildkite", "ci"}
    return pure.name in _BUILD_NAMES or (
        pure.suffix in (".yml", ".yaml", ".sh") and bool(folders & set(pure.parts) or pure.name.startswith("."))
    )


def hits(path: str, added: list[tuple[int, str]], *, documents: bool) -> Iterator[Term]:
    """What the added lines of a file look like, `MOST_HITS` at most of each kind."""
    code = PurePosixPath(path).suffix.lower() in _CODE
    tables = [("patterns", one) for one in _TABLE if (code or not one.code) and not documents]
    tables += [("ignored_failures", one) for one in _IGNORED] if is_build(path) else []
    for rule, pattern in tables:
        found = [number for number, text in added if pattern.words.search(text[:MOST_LINE])]
        for number in found[:MOST_HITS]:
            yield Term(rule, path, pattern.message, number, pattern.weight)
