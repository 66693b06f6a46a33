"""How versions that come from git tags are given to builds without git."""

import pytest

from runner.sandbox.image.scm_version import scm_variables


@pytest.mark.parametrize(
    ("build_file", "names"),
    [
        ('requires = ["setuptools", "setuptools_scm[toml]>=6"]', {"SETUPTOOLS_SCM_PRETEND_VERSION"}),
        ('requires = ["hatchling", "hatch-vcs"]', {"SETUPTOOLS_SCM_PRETEND_VERSION"}),
        ("setup(setup_requires=['pbr'], pbr=True)", {"PBR_VERSION"}),
        ("[tool.pdm.version]\nsource = 'scm'", {"PDM_BUILD_SCM_VERSION"}),
        ("[tool.poetry-dynamic-versioning]", {"POETRY_DYNAMIC_VERSIONING_BYPASS"}),
        ("import versioneer", {"SEATRIAL_VERSION"}),
        ('version = "1.0"\nname = "spbrt"', set()),
    ],
)
def test_only_projects_versioned_by_tags_are_told_a_version(build_file: str, names: set[str]) -> None:
    assert scm_variables(["", build_file], "3.1") == dict.fromkeys(names, "3.1")
