"""What makes a new image necessary, and what does not."""

from typing import Any

import pytest

from runner.sandbox.image.build_inputs import build_inputs, reachable_requirements
from runner.sandbox.image.recipes.python import tree_recipe
from runner.sandbox.options import Build

FLIT = b'[build-system]\nrequires = ["flit_core"]\n[project]\nname = "ship"\ndynamic = ["version"]\n'
STATIC = b'[project]\nname = "ship"\nversion = "1"\n'
SCM = b'[build-system]\nrequires = ["setuptools-scm"]\n[project]\nname = "ship"\ndynamic = ["version"]\n'
COMPILED = b"from setuptools import Extension, setup\nsetup(ext_modules=[Extension('ship.fast', ['src/ship/fast.c'])])\n"
TREE = {
    "src/ship/__init__.py": b"v1",
    "src/ship/hull.py": b"1",
    "src/ship/fast.c": b"1",
    "docs/a.md": b"",
    "tests/test_a.py": b"1",
    "tool.py": b"1",
}


@pytest.mark.parametrize(
    ("before", "after", "new"),
    [
        (STATIC, {"src/ship/hull.py": b"2"}, False),
        (STATIC, {"src/ship/__init__.py": b"v2"}, False),
        (STATIC, {"tests/test_b.py": b"2", "docs/b.md": b"2", "tool.py": b"2"}, False),
        (STATIC, {"src/ship/fast.c": b"2"}, False),
        (STATIC, {"pyproject.toml": STATIC + b"dependencies = []\n"}, True),
        (STATIC, {"setup.cfg": b"[metadata]\n"}, True),
        (STATIC, {"poetry.lock": b"2"}, True),
        (STATIC, {"requirements/dev.txt": b"2"}, True),
        (STATIC, {"src/boat/__init__.py": b""}, True),
        (STATIC, {"boat.py": b""}, True),
        (STATIC, {"src/ship/_version.py": b"2"}, True),
        (STATIC, {"src/ship/__init__.py": None, "src/ship/hull.py": None, "src/ship/fast.c": None, "src/sail/a.py": b""}, True),
        (FLIT, {"src/ship/__init__.py": b"v2"}, True),
        (FLIT, {"src/ship/hull.py": b"2"}, False),
        (b"not [toml", {"src/ship/__init__.py": b"v2"}, True),
    ],
)
def test_only_what_the_install_reads_makes_a_new_image(trees: Any, before: bytes, after: dict[str, bytes | None], new: bool) -> None:
    base = {**TREE, "pyproject.toml": before}
    changed = {name: content for name, content in {**base, **after}.items() if content is not None}
    digests = {build_inputs(trees, trees.add(files), (), project=True).digest for files in (base, changed)}
    assert len(digests) == 1 + new


def test_native_sources_count_where_the_project_is_compiled(trees: Any) -> None:
    base = {**TREE, "setup.py": COMPILED}
    digests = {build_inputs(trees, trees.add({**base, **more}), (), project=True).digest for more in ({}, {"src/ship/fast.c": b"2"})}
    assert len(digests) == 2


def test_requirement_files_are_followed_through_their_includes_and_never_out_of_the_tree(trees: Any) -> None:
    tree = trees.add(
        {
            "requirements/dev.txt": b"-r base.txt\n  -c ../limits.txt\n--requirement=more/x.txt\n-r https://e.example/r.txt\n-r ../../../etc/passwd\n",
            "requirements/base.txt": b"-r dev.txt\nattrs\n",
            "requirements/more/x.txt": b"\xff",
            "limits.txt": b"",
        }
    )
    found = reachable_requirements(trees, tree, ["requirements/dev.txt"])
    assert found == ("limits.txt", "requirements/base.txt", "requirements/dev.txt", "requirements/more/x.txt")


def test_without_a_project_only_the_requirement_files_count(trees: Any) -> None:
    build = Build(project=False, requirements=("r.txt",))
    trees_of = [trees.add({"r.txt": r, "pyproject.toml": p}) for r, p in ((b"a", b"1"), (b"a", b"2"), (b"b", b"1"))]
    one, two, three = (tree_recipe(build, trees, tree, lambda: "1.0").key("base") for tree in trees_of)
    assert one == two != three


def test_a_requirement_file_that_names_the_tree_itself_makes_its_build_files_count(trees: Any) -> None:
    build = Build(project=False, requirements=("r.txt",))
    trees_of = [trees.add({"r.txt": b"attrs\n-e .[test]\n", "pyproject.toml": pyproject}) for pyproject in (STATIC, SCM)]
    one, two = (tree_recipe(build, trees, tree, lambda: "1.0") for tree in trees_of)
    assert one.key("base") != two.key("base")
    assert (one.settings["version_env"], two.settings["version_env"]) == ({}, {"SETUPTOOLS_SCM_PRETEND_VERSION": "1.0"})


@pytest.mark.parametrize(("pyproject", "counts"), [(SCM, True), (STATIC, False)])
def test_the_version_counts_only_for_projects_versioned_by_tags(trees: Any, pyproject: bytes, counts: bool) -> None:
    tree = trees.add({"pyproject.toml": pyproject})
    keys = {tree_recipe(Build(), trees, tree, lambda version=version: version).key("base") for version in ("1.0", "1.1")}
    assert len(keys) == 1 + counts


def test_options_and_base_image_count(trees: Any) -> None:
    tree = trees.add({"pyproject.toml": STATIC})
    builds = (Build(), Build(extras=("test",)), Build(packages=("attrs",)), Build(project=False))
    keys = {tree_recipe(build, trees, tree, lambda: "").key(base) for build in builds for base in ("sha256:1", "sha256:2")}
    assert len(keys) == 8


def test_a_tree_that_pip_cannot_install_gets_no_project(trees: Any) -> None:
    made = tree_recipe(Build(extras=("test",)), trees, trees.add({"a.py": b""}), lambda: "")
    assert (made.settings["project"], made.settings["extras"], made.tree) == (False, [], None)
