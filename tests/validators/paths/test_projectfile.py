"""Project files are judged by key, and a file that programs could read differently is not trusted."""

import time

import pytest

from runner import parsing
from runner.validators.paths.projectfile import judge_file

TOML = '[project]\nname = "a"\nversion = "1"\ndependencies = ["x"]\n[tool.ruff]\nline-length = 80\n'
CFG = "[metadata]\nname = a\nversion = 1\n[options]\ninstall_requires = x\n[flake8]\nmax = 1\n"


@pytest.mark.parametrize(
    "change",
    [
        ('version = "1"', 'version = "2"\nclassifiers = ["x"]\ndescription = "d"\nlicense = {text = "MIT"}'),
        ("line-length = 80", "line-length = 100"),
        ("[tool.ruff]", '[project.urls]\nhome = "x"\n[tool.mypy]\nstrict = true\n[tool.ruff]'),
    ],
)
def test_metadata_and_style_are_free_in_pyproject(change: tuple[str, str]) -> None:
    assert judge_file("pyproject.toml", TOML.encode(), TOML.replace(*change).encode()) == []


@pytest.mark.parametrize(
    ("change", "rule", "key"),
    [
        (('["x"]', '["x", "y"]'), "paths.dependencies", "project.dependencies"),
        (("[tool.ruff]", '[project.scripts]\na = "a:b"\n[tool.ruff]'), "paths.project", "project.scripts.a"),
        (('name = "a"', 'name = "b"'), "paths.project", "project.name"),
        (('name = "a"', 'name = "a"\nrequires-python = ">=3"'), "paths.dependencies", "project.requires-python"),
        (
            ("[tool.ruff]", '[tool.pytest.ini_options]\naddopts = "--co"\n[tool.ruff]'),
            "paths.test_configuration",
            "tool.pytest.ini_options.addopts",
        ),
        (("[tool.ruff]", "[tool.coverage.run]\nbranch = true\n[tool.ruff]"), "paths.test_configuration", "tool.coverage.run.branch"),
        (("[tool.ruff]", "[build-system]\nrequires = []\n[tool.ruff]"), "paths.build", "build-system.requires"),
        (("[tool.ruff]", "[dependency-groups]\ndev = []\n[tool.ruff]"), "paths.dependencies", "dependency-groups.dev"),
        (("[tool.ruff]", '[tool.uv.sources]\nx = {path = "x"}\n[tool.ruff]'), "paths.build", "tool.uv.sources.x.path"),
        (("[tool.ruff]", "[tool.unheard_of]\na = 1\n[tool.ruff]"), "paths.build", "tool.unheard_of.a"),
        (("[tool.ruff]", "[other]\na = 1\n[tool.ruff]"), "paths.project", "other.a"),
    ],
)
def test_keys_that_matter_hold_and_are_named(change: tuple[str, str], rule: str, key: str) -> None:
    (found,) = judge_file("pyproject.toml", TOML.encode(), TOML.replace(*change).encode())
    assert found.rule == rule
    assert found.message.startswith(f"{key} changed: ")


def test_true_and_one_are_different_values() -> None:
    assert judge_file("pyproject.toml", b"[tool.pytest]\na = 1\n", b"[tool.pytest]\na = true\n")


def test_values_are_shown_bounded_and_printable() -> None:
    hostile = 'dependencies = ["\\u202e\\u001b[31m' + "x" * 5000 + '"]'
    (found,) = judge_file("pyproject.toml", TOML.encode(), TOML.replace('dependencies = ["x"]', hostile).encode())
    assert found.message.isprintable()
    assert "\u202e" not in found.message
    assert len(found.message) < 400


@pytest.mark.parametrize(
    "content",
    [b"[project", b"\xff", b"a = " + b"[" * 20000, b".".join([b"a"] * 1500) + b" = 1", b"#" * 300_000],
    ids=["broken", "bytes", "deep", "dotted", "large"],
)
def test_what_cannot_be_read_holds(content: bytes) -> None:
    (found,) = judge_file("pyproject.toml", TOML.encode(), content)
    assert found.rule == "paths.project"


def test_files_that_keep_their_parsers_busy_for_minutes_are_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parsing, "SECONDS", 1)
    dotted, spaced = b".".join([b"a"] * 60000) + b" = 1", b"[a]\nb" + b" " * 200_000 + b"c\n"
    began = time.monotonic()
    assert judge_file("pyproject.toml", None, dotted)
    assert judge_file("setup.cfg", None, spaced)
    assert time.monotonic() - began < 15


@pytest.mark.parametrize(
    ("name", "change", "rule"),
    [
        ("setup.cfg", ("version = 1", "version = 2"), None),
        ("setup.cfg", ("version = 1", "version = attr: a.b"), "paths.project"),
        ("setup.cfg", ("name = a", "name = b"), "paths.project"),
        ("setup.cfg", ("max = 1", "max = 2"), None),
        ("setup.cfg", ("= x", "= x, y"), "paths.dependencies"),
        ("setup.cfg", ("[flake8]", "[tool:pytest]\naddopts = --co\n[flake8]"), "paths.test_configuration"),
        ("setup.cfg", ("[flake8]", "[DEFAULT]\na = b\n[flake8]"), "paths.build"),
        ("setup.cfg", ("version = 1", "description = a\r[tool:pytest]\raddopts = --co"), "paths.project"),
        ("setup.cfg", ("version = 1", "description = a\u2028[tool:pytest]"), "paths.project"),
        ("setup.cfg", ("version = 1", "version = 1\nversion = 2"), "paths.project"),
        ("tox.ini", ("max = 1", "max = 2"), None),
        ("tox.ini", ("[flake8]", "[pytest]\naddopts = --co\n[flake8]"), "paths.test_configuration"),
    ],
)
def test_ini_files_are_judged_by_section(name: str, change: tuple[str, str], rule: str | None) -> None:
    found = judge_file(name, CFG.encode(), CFG.replace(*change).encode())
    assert {one.rule for one in found} == ({rule} if rule else set())
