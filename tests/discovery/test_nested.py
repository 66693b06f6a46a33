"""Repositories of several projects, none of them at the root."""

import pytest

API = '[project]\nname = "api"\nversion = "1"\ndependencies = ["six", "Common>=1"]\n[project.optional-dependencies]\ntest = ["pytest", "attrs"]\n'
COMMON = '[project]\nname = "common"\nversion = "1"\n'
FILES = {
    "services/api/pyproject.toml": API,
    "services/api/src/api/__init__.py": "",
    "services/api/tests/test_api.py": "from api import f\ndef test(): pass\n",
    "libs/common/pyproject.toml": COMMON,
    "libs/common/requirements-test.txt": "pytest\n",
    "libs/common/common/__init__.py": "",
    "libs/common/tests/test_common.py": "from common import g\ndef test(): pass\n",
}
PATH = "/work/libs/common:/work/services/api/src:/work/services/api"


def test_projects_in_folders_are_on_the_search_path_and_bring_what_they_need(settled):
    answer = settled(FILES)
    assert answer.sandbox.env == {"PYTHONPATH": PATH}
    assert set(answer.sandbox.build.packages) == {"six", "pytest", "attrs"}
    assert answer.sandbox.build.requirements == ("libs/common/requirements-test.txt",)
    told = [str(decision) for decision in answer.decisions]
    assert "installs: what services/api needs (services/api/pyproject.toml)" in told
    assert f"environment: PYTHONPATH={PATH} (projects in folders, and none at the root)" in told


def test_a_project_of_the_repository_is_never_taken_from_an_index(settled):
    assert not any(line.lower().startswith("common") for line in settled(FILES).sandbox.build.packages)


def test_a_project_at_the_root_is_the_only_one(settled):
    answer = settled({**FILES, "pyproject.toml": '[project]\nname = "all"\nversion = "1"\n'})
    assert "PYTHONPATH" not in answer.sandbox.env
    assert answer.sandbox.build.requirements == ()


@pytest.mark.parametrize("value", ["", "/work/mine"])
def test_a_search_path_of_the_policy_is_kept(settled, value):
    assert settled(FILES, sandbox={"env": {"PYTHONPATH": value}}).sandbox.env == {"PYTHONPATH": value}


def test_settings_of_tools_in_a_folder_make_no_project(settled):
    files = {"app/pyproject.toml": "[tool.black]\nline-length = 100\n", "app/tests/test_a.py": "def test(): pass\n"}
    assert settled(files).sandbox.env == {}
