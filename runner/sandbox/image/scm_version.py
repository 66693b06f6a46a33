"""Projects that take their version from git tags: how to tell them, and how to tell their build backends the version."""

import re
from collections.abc import Iterable

_SETUPTOOLS_SCM = "SETUPTOOLS_SCM_PRETEND_VERSION"
_TOOLS = {
    "setuptools_scm": _SETUPTOOLS_SCM,
    "setuptools-scm": _SETUPTOOLS_SCM,
    "hatch-vcs": _SETUPTOOLS_SCM,
    "hatch_vcs": _SETUPTOOLS_SCM,
    "flit_scm": _SETUPTOOLS_SCM,
    "use_scm_version": _SETUPTOOLS_SCM,
    "vcs-versioning": _SETUPTOOLS_SCM,
    "pbr": "PBR_VERSION",
    "tool.pdm.version": "PDM_BUILD_SCM_VERSION",
    "poetry-dynamic-versioning": "POETRY_DYNAMIC_VERSIONING_BYPASS",
    "uv-dynamic-versioning": "UV_DYNAMIC_VERSIONING_BYPASS",
    "versioningit": "",
    "versioneer": "",
}


def scm_variables(build_files: Iterable[str], version: str) -> dict[str, str]:
    """Environment variables that give `version`, a release, to the tools which `build_files` (their texts) mention.

    Empty when the project's version does not come from git. A name for a tool without such a variable (versioneer) is
    given all the same, as `SEATRIAL_VERSION`, so that the version counts as an input of the build.
    """
    text = "\n".join(build_files).lower()
    names = {variable for tool, variable in _TOOLS.items() if re.search(rf"(?<![\w-]){re.escape(tool)}(?![\w-])", text)}
    return {name or "SEATRIAL_VERSION": version for name in sorted(names)}
