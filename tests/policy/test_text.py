"""The resolved policy, written out."""

import json

import pytest

from runner.policy.load import builtin, load_text
from runner.policy.text import sources, to_yaml, values

RICH = """\
seatrial: 1
tests: {runner: command, command: [make, "it's \\"all\\"", "a: b", "# no", "##[error]x", "-", "", "null", "3.10", "\\u202e\\x1b"], report: exit}
sandbox:
  image: registry.example:5000/it/is@sha256:0000000000000000000000000000000000000000000000000000000000000000
  env: {A: "yes", odd_KEY: "x: #\\ny", N: "1"}
  limits: {wall: 90.25s, memory: 1000000001B, cpus: 1.5, tmp: 1536B}
validate: {paths: {deny: ["**/*.yml", "[a-z]?", "&x", "*y", "z !"], hold: ["a-rather-long-folder-name/with/**", "b", "c/**", "d/**", "e", "f/x"]}}
"""


@pytest.mark.parametrize("text", ["seatrial: 1\n", RICH])
def test_what_is_written_resolves_to_the_same_policy(text: str) -> None:
    loaded = load_text(text.encode(), "p.yaml")
    again = load_text(to_yaml(loaded).encode(), "again.yaml")
    assert again.policy == loaded.policy
    assert again.digest == loaded.digest
    assert "##[" not in to_yaml(loaded)
    assert all(char.isprintable() for char in to_yaml(loaded).replace("\n", ""))


def test_every_value_tells_its_line_in_the_file_or_in_the_default() -> None:
    loaded = load_text(RICH.encode(), "p.yaml")
    where = sources(loaded)
    assert where["tests.command"] == "p.yaml:2"
    assert where["sandbox.limits.wall"] == "p.yaml:6"
    assert where["sandbox.limits.pids"].startswith("builtin:default:")
    written = to_yaml(loaded)
    assert "wall: 90.25s" in written
    assert all(place in written for place in where.values())


def test_the_data_is_plain_json() -> None:
    data = values(builtin())
    assert json.loads(json.dumps(data)) == data
    assert data["sandbox"]["limits"]["memory"] == "2GiB"
    assert "image" not in data["sandbox"]
