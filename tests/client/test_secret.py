"""Where a token comes from."""

from pathlib import Path

import pytest

from runner.client.secret import token
from runner.errors import UsageError


def test_a_token_is_in_a_variable_or_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("seatrial_2_b\n")
    assert token({"SEATRIAL_TOKEN": " seatrial_1_a\n"}) == "seatrial_1_a"
    assert token({"SEATRIAL_TOKEN_FILE": str(file)}) == "seatrial_2_b"
    assert token({"SEATRIAL_TOKEN": "", "SEATRIAL_TOKEN_FILE": str(file)}) == "seatrial_2_b"


@pytest.mark.parametrize("content", [b"", b"\n", b"two words", b"\xff\xfe", b"secret\x1b", b"secret" * 10_000])
def test_what_is_no_token_is_said_and_not_shown(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "token"
    file.write_bytes(content)
    with pytest.raises(UsageError) as problem:
        token({"SEATRIAL_TOKEN_FILE": str(file)})
    assert "secret" not in str(problem.value) + problem.value.hint


@pytest.mark.parametrize(
    "env",
    [
        {},
        {"SEATRIAL_TOKEN": "a", "SEATRIAL_TOKEN_FILE": "b"},
        {"SEATRIAL_TOKEN_FILE": "/no/such/file"},
        {"SEATRIAL_TOKEN_FILE": "/"},
        {"SEATRIAL_TOKEN": "a\nb"},
    ],
)
def test_none_two_or_an_unreadable_one_is_a_usage_error(env: dict[str, str]) -> None:
    with pytest.raises(UsageError):
        token(env)
