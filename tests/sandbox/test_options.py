"""The section `sandbox`: one image, no way to slip options to pip or Docker, no variable that changes the harness."""

from typing import Any

import pytest
from pydantic import ValidationError

from runner.sandbox.options import Build, Sandbox


def test_nothing_given_means_the_python_recipe() -> None:
    assert Sandbox() == Sandbox(build=Build(recipe="auto", base="auto"))


def test_a_policy_value_survives_its_own_json() -> None:
    for sandbox in (Sandbox(), Sandbox(image="a:1", env={"PYTHONPATH": "src"})):
        assert Sandbox.model_validate_json(sandbox.model_dump_json()) == sandbox


@pytest.mark.parametrize(
    "name", ["LD_PRELOAD", "LD_LIBRARY_PATH", "PYTHONSTARTUP", "PYTEST_ADDOPTS", "PYTEST_PLUGINS", "SEATRIAL_X", "A B", "", "1A", "A=B"]
)
def test_variables_that_change_how_the_suite_is_started_are_refused(name: str) -> None:
    with pytest.raises(ValidationError):
        Sandbox(env={name: "x"})


@pytest.mark.parametrize(
    "given",
    [
        {"image": "a", "build": {}},
        {"image": "-v /:/host"},
        {"image": ""},
        {"runtime": "--x"},
        {"env": {"A": "b\0"}},
        {"build": {"packages": ["--index-url=https://x"]}},
        {"build": {"packages": ["a\nb"]}},
        {"build": {"requirements": ["/etc/passwd"]}},
        {"build": {"requirements": ["a/../../b"]}},
        {"build": {"extras": ["a]"]}},
        {"build": {"recipe": "rust"}},
        {"build": {"groups": ["--group"]}},
        {"build": {"apt": ["--allow-unauthenticated"]}},
        {"build": {"apt": ["gcc-"]}},
        {"build": {"apt": ["gcc=4"]}},
        {"build": {"apt": ["./evil.deb"]}},
        {"build": {"apt": ["/evil.deb"]}},
        {"build": {"apt": ["gcc/trixie"]}},
        {"build": {"apt": ["gcc?"]}},
        {"build": {"python": "3"}},
        {"build": {"python": "3.1"}},
        {"build": {"python": "2.7"}},
        {"build": {"python": "3.13-slim"}},
        {"build": {"recipe": "dockerfile"}},
        {"build": {"recipe": "dockerfile", "dockerfile": "../Dockerfile"}},
        {"build": {"dockerfile": "Dockerfile"}},
        {"build": {"recipe": "dockerfile", "dockerfile": "Dockerfile", "apt": ["gcc"]}},
        {"build": {"recipe": "node", "extras": ["test"]}},
    ],
)
def test_what_could_mean_an_option_or_another_file_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Sandbox(**given)
