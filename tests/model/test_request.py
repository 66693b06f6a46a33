"""What was asked of a server: a revision is never a name of something on the disk of whoever carries it out."""

import json
from typing import Any

import pytest
from pydantic import ValidationError

from runner.model.request import Asked

USUAL = {"run": "abc", "command": "check", "repo": "app", "author": "anne"}


def asked(**given: Any) -> Asked:
    """As the record has it, which is how a worker reads it."""
    return Asked.model_validate_json(json.dumps({**USUAL, **given}))


@pytest.mark.parametrize(
    "given",
    [
        {"revision": "main"},
        {"revision": "/etc/passwd"},
        {"revision": "main", "kind": "diff"},
        {"revision": "main", "kind": "edits"},
        {"revision": "main", "kind": "overlay"},
        {"revision": "main", "kind": "revision", "change": "eA=="},
        {"revision": "a..b", "kind": "range", "change": "eA=="},
        {"kind": "revision"},
        {"kind": "range", "change": "eA=="},
        {"kind": "work"},
        {"kind": "overlay", "change": "eA=="},
    ],
)
def test_a_revision_without_its_kind_cannot_be_asked_for_nor_read_from_the_record(given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        asked(**given)


@pytest.mark.parametrize(
    "given",
    [
        {"revision": "main", "kind": "revision"},
        {"revision": "a..b", "kind": "range"},
        {"change": "eA==", "kind": "diff"},
        {"change": "eA==", "kind": "edits"},
        {"change": "eA=="},
        {"base": "main", "change": "eA=="},
    ],
)
def test_all_else_can_be_and_is_the_same_again(given: dict[str, Any]) -> None:
    assert Asked.model_validate_json(asked(**given).model_dump_json()) == asked(**given)
