"""The layer `paths`: protected names, start-up hooks, shadows, project files by key, and the policy's globs."""

from collections.abc import Callable

import pytest

from runner.model.result import Outcome, Result
from runner.validators import paths

Judged = Callable[..., Result]


def rules(result: Result) -> set[str]:
    return {finding.rule for finding in result.findings}


@pytest.mark.parametrize(
    ("path", "rule"),
    [
        ("tests/unit/conftest.py", "paths.test_configuration"),
        ("pytest.ini", "paths.test_configuration"),
        ("sub/.pytest.toml", "paths.test_configuration"),
        (".coveragerc", "paths.test_configuration"),
        (".github/workflows/ci.yml", "paths.ci"),
        (".GitHub/Workflows/ci.yml", "paths.ci"),
        ("Jenkinsfile", "paths.ci"),
        (".gitlab-ci.yml", "paths.ci"),
        (".github/CODEOWNERS", "paths.owners"),
        ("requirements-dev.txt", "paths.dependencies"),
        ("requirements/tests.in", "paths.dependencies"),
        ("uv.lock", "paths.dependencies"),
        ("web/package.json", "paths.dependencies"),
        ("go.sum", "paths.dependencies"),
        ("setup.py", "paths.build"),
        ("docs/Makefile", "paths.build"),
        ("Dockerfile.test", "paths.build"),
        (".pre-commit-config.yaml", "paths.hooks"),
        ("vendor/.gitattributes", "paths.git"),
        (".gitmodules", "paths.git"),
        (".seatrial/policy.yaml", "paths.policy"),
        ("CLAUDE.md", "paths.instructions"),
        (".vscode/tasks.json", "paths.instructions"),
    ],
)
@pytest.mark.parametrize("side", ["added", "changed", "removed"])
def test_protected_names_hold_however_they_are_touched(judged: Judged, path: str, rule: str, side: str) -> None:
    before = {} if side == "added" else {path: "old"}
    after = {} if side == "removed" else {path: "new"}
    result = judged(paths, before, after)
    assert (result.outcome, rules(result)) == (Outcome.HOLD, {rule})


@pytest.mark.parametrize(
    "path", ["src/app.py", ".gitignore", "docs/makefile_notes.md", "app/requirements/parse.py", "tests/test_a.py", "README.md"]
)
def test_ordinary_files_are_free(judged: Judged, path: str) -> None:
    assert judged(paths, {}, {path: "x"}).outcome is Outcome.PASS


@pytest.mark.parametrize(
    "path",
    [
        "sitecustomize.py",
        "src/pkg/usercustomize.py",
        "sitecustomize/__init__.py",
        "evil.pth",
        "a/b.egg-link",
        "src/pkg/__pycache__/a.cpython-311.pyc",
        "x.dist-info/entry_points.txt",
        "src/x.egg-info/PKG-INFO",
    ],
)
def test_a_new_start_up_hook_fails_and_an_edited_one_holds(judged: Judged, path: str) -> None:
    assert judged(paths, {}, {path: "new"}).outcome is Outcome.FAIL
    assert judged(paths, {path: "old"}, {path: "new"}).outcome is Outcome.HOLD


def test_metadata_away_from_the_import_path_and_binary_pth_files_hold(judged: Judged) -> None:
    result = judged(paths, {}, {"tests/data/wheels/x.dist-info/METADATA": "a", "models/net.pth": b"\0\1"})
    assert result.outcome is Outcome.HOLD
    assert len(result.findings) == 2


@pytest.mark.parametrize(
    "path",
    [
        "pytest.py",
        "src/_pytest/__init__.py",
        "lib/pluggy.py",
        "unittest/__init__.py",
        "coverage.cpython-311-x86_64-linux-gnu.so",
        "tests/doctest.py",
    ],
)
def test_a_new_module_in_front_of_a_test_tool_fails(judged: Judged, path: str) -> None:
    base = {"tests/test_a.py": ""}
    result = judged(paths, base, {**base, path: "x"})
    assert (result.outcome, rules(result)) == (Outcome.FAIL, {"paths.shadow"})


def test_a_test_tool_that_the_base_shadows_already_holds_when_edited(judged: Judged) -> None:
    assert judged(paths, {"pytest.py": "a"}, {"pytest.py": "b"}).outcome is Outcome.HOLD
    assert judged(paths, {"pytest.py": "a"}, {"pytest.py": "a", "pytest/__init__.py": "b"}).outcome is Outcome.HOLD


@pytest.mark.parametrize(
    ("base", "path", "outcome"),
    [
        ({}, "logging.py", Outcome.HOLD),
        ({}, "src/typing/__init__.py", Outcome.HOLD),
        ({"logging.py": "a"}, "logging.py", Outcome.PASS),
        ({"pkg/__init__.py": ""}, "pkg/logging.py", Outcome.PASS),
        ({"src/pkg/__init__.py": ""}, "src/pkg/logging.py", Outcome.PASS),
        ({"scripts/run.py": ""}, "scripts/logging.py", Outcome.PASS),
        ({"checks/test_a.py": ""}, "checks/random.py", Outcome.HOLD),
        ({"checks/unit/__init__.py": "", "checks/unit/test_a.py": ""}, "checks/random.py", Outcome.HOLD),
        ({"checks/__init__.py": "", "checks/test_a.py": ""}, "checks/random.py", Outcome.PASS),
        ({"pyproject.toml": '[tool.pytest.ini_options]\npythonpath = ["python"]\n'}, "python/json.py", Outcome.HOLD),
        ({}, "src/json.txt", Outcome.PASS),
        ({}, "src/json/data.py", Outcome.PASS),
    ],
)
def test_only_a_new_name_on_the_import_path_shadows_the_standard_library(
    judged: Judged, base: dict[str, str], path: str, outcome: Outcome
) -> None:
    assert judged(paths, base, {**base, path: "new"}).outcome is outcome


@pytest.mark.parametrize(
    ("options", "outcome", "rule"),
    [
        ({"deny": ("src/**",)}, Outcome.FAIL, {"paths.deny"}),
        ({"allow": ("docs/**",)}, Outcome.FAIL, {"paths.allow"}),
        ({"allow": ("src/**",)}, Outcome.PASS, set()),
        ({"hold": ("src/*.py",)}, Outcome.HOLD, {"paths.hold"}),
        ({"hold": ("src/*.py",), "deny": ("src",)}, Outcome.FAIL, {"paths.deny"}),
    ],
)
def test_the_globs_of_the_policy_decide(judged: Judged, options: dict[str, tuple[str, ...]], outcome: Outcome, rule: set[str]) -> None:
    result = judged(paths, {}, {"src/a.py": "x"}, **options)
    assert (result.outcome, rules(result)) == (outcome, rule)


def test_the_own_build_back_end_holds(judged: Judged) -> None:
    base = {
        "pyproject.toml": '[build-system]\nrequires = []\nbuild-backend = "own.build"\nbackend-path = ["_build"]\n',
        "_build/own/build.py": "a",
    }
    result = judged(paths, base, {**base, "_build/own/build.py": "b"})
    assert (result.outcome, rules(result)) == (Outcome.HOLD, {"paths.build"})


def test_a_policy_hold_applies_to_a_project_file_whose_keys_are_free(judged: Judged) -> None:
    base, patched = {"pyproject.toml": '[project]\nversion = "1"\n'}, {"pyproject.toml": '[project]\nversion = "2"\n'}
    assert judged(paths, base, patched).outcome is Outcome.PASS
    assert judged(paths, base, patched, hold=("pyproject.toml",)).outcome is Outcome.HOLD


def test_the_reason_names_the_paths_and_every_finding_has_a_remedy(judged: Judged) -> None:
    result = judged(paths, {}, {f"requirements/{n}.txt": "" for n in range(5)})
    assert "requirements/0.txt" in result.reason
    assert "and 2 more" in result.reason
    assert all(finding.fix for finding in result.findings)


def test_files_below_a_folder_whose_name_is_not_utf8_are_judged_like_all_others(judged: Judged) -> None:
    base = {"caf\udce9/setup.cfg": "[options]\ninstall_requires = a\n", "caf\udce9/test_a.py": "", "caf\udce9/a.py": ""}
    dependency = judged(paths, base, {**base, "caf\udce9/setup.cfg": "[options]\ninstall_requires = b\n"})
    assert (dependency.outcome, [finding.rule for finding in dependency.findings]) == (Outcome.HOLD, ["paths.dependencies"])
    shadow = judged(paths, base, {**base, "caf\udce9/pytest.py": ""})
    assert (shadow.outcome, [finding.rule for finding in shadow.findings]) == (Outcome.FAIL, ["paths.shadow"])
    assert "in 'caf\\xe9'" in shadow.reason
    shadow.model_dump_json()
