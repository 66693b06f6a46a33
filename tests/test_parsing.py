"""A parser that crashes or hangs on a hostile file takes nothing with it."""

import time
from pathlib import Path

import pytest

from runner import parsing
from runner.parsing import Source, parse


def test_a_parser_that_dies_takes_neither_us_nor_the_other_files_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        parsing,
        "PROGRAM",
        parsing.PROGRAM.replace(
            "def python(content, version):", "def python(content, version):\n    if b'die' in content: import os; os.abort()"
        ),
    )
    states = [
        answer.state for answer in parse([Source("python", b"a"), Source("python", b"die"), Source("python", b"b"), Source("json", b"{")])
    ]
    assert states == ["fine", "unjudged", "fine", "broken"]


def test_a_parser_that_hangs_is_ended_and_many_of_them_end_the_layer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parsing, "SECONDS", 1)
    monkeypatch.setattr(parsing, "MOST_CHILDREN", 2)
    monkeypatch.setattr(
        parsing,
        "PROGRAM",
        parsing.PROGRAM.replace("def python(content, version):", "def python(content, version):\n    while b'spin' in content: pass"),
    )
    began = time.monotonic()
    states = [answer.state for answer in parse([Source("python", b"spin"), Source("python", b"spin"), Source("python", b"a")])]
    assert states == ["unjudged"] * 3
    assert time.monotonic() - began < 20


def test_a_reader_of_the_callers_own_is_under_the_same_limits(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        "import resource\n"
        "def size(content, version):\n    return str(len(content) + version)\n"
        "def limit(content, _):\n    return str(resource.getrlimit(resource.RLIMIT_FSIZE)[0])\n"
    )
    sources = [Source("mine:size", b"abc", 4), Source("mine:limit", b""), Source("mine:absent", b""), Source("nowhere:x", b"")]
    answers = parse(sources, tmp_path)
    assert [(answer.state, answer.data) for answer in answers] == [("fine", "7"), ("fine", "0"), ("broken", ""), ("unjudged", "")]


def test_all_files_together_are_given_so_much_time_and_no_more(tmp_path: Path) -> None:
    (tmp_path / "slow.py").write_text(
        "import time\n\n\ndef read(content, version):\n    time.sleep(float(content))\n    return content.decode()\n"
    )
    began = time.monotonic()
    sources = [Source("slow:read", seconds) for seconds in (b"0", b"30", b"0")]
    answers = parse(sources, tmp_path, seconds=1.0)
    assert time.monotonic() - began < 10
    assert [answer.state for answer in answers] == ["fine", "unjudged", "unjudged"]
    assert "took too long" in answers[2].message
