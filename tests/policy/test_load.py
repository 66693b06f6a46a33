"""Policy files: what is read, and that every fault is told with its place, all of them at once."""

import re
from pathlib import Path

import pytest

from runner.errors import PolicyInvalid
from runner.policy.load import builtin, find_policy, load_policy, load_text


def problems(text: str | bytes) -> list[str]:
    with pytest.raises(PolicyInvalid) as caught:
        load_text(text if isinstance(text, bytes) else text.encode(), "p.yaml")
    return list(caught.value.problems)


class OneTree:
    """A repository whose base tree holds one file or none."""

    def __init__(self, policy: bytes | None) -> None:
        self._policy = policy

    def read(self, tree: str, path: str) -> bytes | None:
        assert (tree, path) == ("base", ".seatrial/policy.yaml")
        return self._policy


def test_ten_lines_are_enough_and_the_rest_is_the_default() -> None:
    text = """
seatrial: 1
tests: {args: [tests, -k, 3.10]}
sandbox:
  build: {extras: [test]}
  limits: {memory: 4GiB, wall: 20m}
validate: {paths: {deny: ["docs/**"]}}
"""
    policy = load_text(text.encode(), "p.yaml").policy
    assert policy.tests.args == ("tests", "-k", "3.10")
    assert (policy.sandbox.limits.memory, policy.sandbox.limits.wall) == (4 * 2**30, 1200)
    assert policy.sandbox.limits.pids == builtin().policy.sandbox.limits.pids
    assert policy.sandbox.build is not None
    assert (policy.sandbox.build.extras, policy.sandbox.build.project) == (("test",), True)
    assert policy.validation.paths.deny == ("docs/**",)
    assert policy.validation.syntax == builtin().policy.validation.syntax


def test_an_image_stands_in_place_of_the_default_build() -> None:
    sandbox = load_text(b"seatrial: 1\nsandbox: {image: own:1}\n", "p.yaml").policy.sandbox
    assert (sandbox.image, sandbox.build) == ("own:1", None)


def test_the_default_underneath_is_the_same_with_and_without_extends() -> None:
    with_it = load_text(b"seatrial: 1\nextends: builtin:default\n", "a.yaml")
    assert with_it.digest == load_text(b"seatrial: 1\n", "b.yaml").digest == builtin().digest


def test_every_fault_is_told_at_once_with_its_place_and_what_to_write() -> None:
    text = """\
seatrial: 1
seatrial: 1
test: {}
tests: {runner: pytst, args: tests, reruns: no}
sandbox:
  image:
  limits: {memory: 2, wall: 1:30, pids: '5', cpus: .inf, sizes: 1}
  env: {LD_PRELOAD: x}
  build: {project: yes}
validate: {paths: {deny: ['a**']}}
"""
    assert problems(text) == [
        "p.yaml:2:1: seatrial: this key is given twice (first at 1:1); keep one",
        'p.yaml:3:1: test: unknown key; did you mean "tests"?',
        'p.yaml:4:17: tests.runner: found pytst, expected one of: auto, pytest, command; did you mean "pytest"?',
        "p.yaml:4:30: tests.args: found tests, expected a list, e.g. [tests]",
        "p.yaml:4:45: tests.reruns: found no, expected a whole number",
        "p.yaml:6:9: sandbox.image: there is no value here; give one, or leave the key out",
        "p.yaml:7:20: sandbox.limits.memory: '2' needs a unit, e.g. 512MiB",
        "p.yaml:7:29: sandbox.limits.wall: '1:30' is not a quantity; write it like 90s (units: ms, s, m, h, d)",
        'p.yaml:7:41: sandbox.limits.pids: found "5" in quotes, expected a whole number',
        "p.yaml:7:52: sandbox.limits.cpus: found .inf, expected a number",
        "p.yaml:7:58: sandbox.limits.sizes: unknown key; the keys here are: memory, cpus, wall, pids, disk, tmp, file, output, report",
        (
            "p.yaml:8:9: sandbox.env.LD_PRELOAD: LD_PRELOAD is kept by seatrial, since it changes how the suite itself is started; "
            "use tests.args or the project's files"
        ),
        "p.yaml:9:20: sandbox.build.project: found yes, expected true or false",
        'p.yaml:10:27: validate.paths.deny[0]: \'a**\': ** stands alone between slashes, e.g. "src/**", "**/conftest.py", "docs/*.md"',
    ]


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("", "1:1", "is empty"),
        ("# only a comment\n", "1:1", "is empty"),
        ("- a\n", "1:1", "a map"),
        ("tests: {}\n", "1:1", "seatrial: this key is missing"),
        ("seatrial: '1'\n", "1:11", "in quotes"),
        ("seatrial: 0\n", "1:11", "expected one of: 1"),
        ("seatrial: 1\n\ttests: {}\n", "2:1", "a tab"),
        ("seatrial: 1\ntests: &a {}\n", "2:8", "the anchor &a"),
        ("seatrial: 1\ntests: *a\n", "2:8", "the alias *a"),
        ("seatrial: 1\n<<: {}\n", "2:1", "merge key"),
        ("seatrial: !!int 1\n", "1:11", "the tag"),
        ("seatrial: 1\n---\ntests: {}\n", "2:1", "second document"),
        ("seatrial: 1\n? [a]\n: b\n", "2:3", "a single word"),
        ("seatrial: 1\ntests: ~\n", "2:8", "no value here (~)"),
        ("seatrial: 1\ntests: {args: [a, null]}\n", "2:19", "no value here (null)"),
        ("seatrial: 1\ntests: {args: [\n", "3:1", "not YAML"),
        ("seatrial: 1\npreflight: {health: {psi_io: {hard: >90%}}}\n", "2:37", "begins with > stands in quotes"),
        ("seatrial: 1\npreflight:\n  health:\n    psi_io:\n      hard: >90%\n", "5:15", "begins with > stands in quotes"),
        ("seatrial: 1\nx: a\0b\n", "2:5", "U+0000"),
        ('seatrial: 1\nx: "\\ud800"\n', "2:4", "surrogate"),
        ("[" * 1000, "1:17", "nested"),
        ("%YAML 1." + "1" * 5000 + "\n---\nseatrial: 1\n", "1:1", "out of range"),
        ("seatrial: 1\nvalidation: {}\n", "2:1", 'did you mean "validate"'),
        ("seatrial: 1\nextends: builtin:strict\n", "2:10", "builtin:default"),
        ("seatrial: 1\nvalidate: {paths: 3}\n", "2:19", "expected a map"),
        ("seatrial: 1\ntests: {runner: command}\n", "2:17", "needs the command"),
        ("seatrial: 1\ntests: {command: [make]}\n", "2:18", "only read with"),
        ("seatrial: 1\ntests: {reruns: -1}\n", "2:17", "greater than or equal to 0"),
        ("seatrial: 1\nsandbox:\n  image: a\n  build: {}\n", "3:10", "both given"),
        ("seatrial: 1\nsandbox: {limits: {memory: 0B}}\n", "2:28", "more than 0"),
        ("seatrial: 1\nsandbox: {image: '--privileged'}\n", "2:18", "not a Docker reference"),
        ("seatrial: 1\nsandbox: {build: {packages: [-r x]}}\n", "2:30", "not a requirement"),
        ("seatrial: 1\nsandbox: {build: {requirements: [../x]}}\n", "2:34", "not a file of the repository"),
        ("seatrial: 1\nvalidate: {syntax: {python: 2.7}}\n", "2:29", "not a version of Python 3"),
    ],
)
def test_each_trap_is_refused_at_its_place(text: str, place: str, words: str) -> None:
    (problem,) = problems(text)
    assert problem.startswith(f"p.yaml:{place}: ")
    assert words in problem


def test_a_newer_schema_is_told_alone_since_its_keys_are_unknown_here() -> None:
    assert problems("seatrial: 2\nfuture: {}\n") == [
        "p.yaml:1:11: seatrial: found version 2, this program reads version 1; use a newer seatrial"
    ]


@pytest.mark.parametrize(("text", "words"), [(b"\xff\n", "not UTF-8"), (b"#" * 300_000, "larger than 256KiB")])
def test_bytes_that_are_no_policy_are_refused(text: bytes, words: str) -> None:
    assert words in problems(text)[0]


def test_messages_hold_nothing_that_a_terminal_would_obey() -> None:
    for problem in problems('seatrial: 1\n"\\e[31m\\u202e": 1\ntests: {runner: "\\e]0;x\\a"}\n'):
        assert problem.isprintable()


def test_scalars_are_typed_by_the_schema_and_never_by_yaml() -> None:
    text = "seatrial: 1\nsandbox: {env: {A: no, B: 010, C: 1:30, D: on, E: 2026-11-22, F: 1e3, G: 'null'}}\ntests: {base_runs: 010}\n"
    policy = load_text(text.encode(), "p.yaml").policy
    assert policy.sandbox.env == {"A": "no", "B": "010", "C": "1:30", "D": "on", "E": "2026-11-22", "F": "1e3", "G": "null"}
    assert policy.tests.base_runs == 10


def test_where_names_the_line_of_the_file_else_of_the_default() -> None:
    loaded = load_text(b"seatrial: 1\nvalidate:\n  paths:\n    deny:\n      - a\n      - b\n", "p.yaml")
    default = Path(__file__).parents[2].joinpath("policies/default.yaml").read_text().splitlines()
    assert loaded.where("validate.paths.deny") == "p.yaml:4"
    assert loaded.where("validate.paths.deny[1]") == "p.yaml:6"
    assert loaded.where("validate.paths.deny[9].x") == "p.yaml:4"
    source, line = loaded.where("sandbox.limits.memory").rsplit(":", 1)
    assert (source, default[int(line) - 1].strip()) == ("builtin:default", "memory: 2GiB")
    assert loaded.where("no.such.key") == "p.yaml"


def test_limits_that_cannot_be_meant_are_warned_of_at_their_place() -> None:
    (warning,) = load_text(b"seatrial: 1\nsandbox: {limits: {memory: 512MiB}}\n", "p.yaml").warnings
    assert warning.startswith("p.yaml:2:28: sandbox.limits.memory: 512MiB is less than")
    assert builtin().warnings == ()


def test_the_digest_tells_policies_apart_that_are_shown_alike() -> None:
    texts = (b"seatrial: 1\nsandbox: {limits: {memory: %dB}}\n" % (2**31 + n) for n in range(3))
    assert len({load_text(text, "p.yaml").digest for text in texts}) == 3


def test_the_operators_file_comes_first_then_the_base_tree_then_the_default(tmp_path: Path) -> None:
    file = tmp_path / "own.yaml"
    file.write_text("seatrial: 1\ntests: {reruns: 7}\n")
    in_tree = OneTree(b"seatrial: 1\ntests: {reruns: 5}\n")
    assert find_policy(file, in_tree, "base", "1a2b3c4").source == str(file)  # type: ignore[arg-type]
    found = find_policy(None, in_tree, "base", "1a2b3c4")  # type: ignore[arg-type]
    assert (found.source, found.policy.tests.reruns) == (".seatrial/policy.yaml of 1a2b3c4", 5)
    assert found.where("tests.reruns") == ".seatrial/policy.yaml:2"
    assert find_policy(None, OneTree(None), "base", "1a2b3c4").source == "builtin:default"  # type: ignore[arg-type]


def test_a_broken_policy_of_the_base_is_an_error_and_never_the_default() -> None:
    with pytest.raises(PolicyInvalid, match=r"\.seatrial/policy\.yaml:1:1"):
        find_policy(None, OneTree(b""), "base", "1a2b3c4")  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", ["absent", "folder", "pipe"])
def test_a_policy_file_that_cannot_be_read_is_named(tmp_path: Path, kind: str) -> None:
    import os

    path = tmp_path / "p.yaml"
    {"absent": lambda: None, "folder": path.mkdir, "pipe": lambda: os.mkfifo(path)}[kind]()
    with pytest.raises(PolicyInvalid, match=re.escape(str(path))):
        load_policy(path)
