"""Which changed files are modules, and by which names."""

import pytest

from runner.trial.importable import changed_modules, offers
from testing.builders import a_file

TREE = (
    "pkg/__init__.py",
    "pkg/sub/__init__.py",
    "pkg/data/template.py",
    "pkg/tests/__init__.py",
    "src/lib/__init__.py",
    "src/space/inner/__init__.py",
    "src/single.py",
    "src/lib/skeleton/project/__init__.py",
    "tools/__init__.py",
    "release.py",
)


@pytest.mark.parametrize(
    ("path", "roots", "name"),
    [
        ("pkg/__init__.py", (), "pkg"),
        ("pkg/a.py", (), "pkg.a"),
        ("pkg/sub/a.py", (), "pkg.sub.a"),
        ("src/lib/a.py", ("src",), "lib.a"),
        ("src/single.py", ("src",), "single"),
        ("src/space/inner/a.py", ("src",), "space.inner.a"),
        ("pkg/sub/a.py", ("pkg",), "sub.a"),
        ("pkg/a.py", (".",), "pkg.a"),
        # data, and folders that are no packages
        ("pkg/data/template.py", (), None),
        ("src/lib/skeleton/project/__init__.py", ("src",), None),
        ("src/space/a.py", ("src",), None),
        ("src/lib/a.py", (), None),
        # scripts and tests
        ("pkg/__main__.py", (), None),
        ("pkg/conftest.py", (), None),
        ("pkg/test_a.py", (), None),
        ("pkg/tests/a.py", (), None),
        ("tools/a.py", (), None),
        ("setup.py", (), None),
        ("docs/conf.py", (), None),
        ("release.py", (), None),
        ("bin/run", (), None),
        ("pkg/not-a-name.py", (), None),
        ("pkg/a.pyi", (), None),
    ],
)
def test_a_file_is_a_module_where_it_can_be_imported_by_name(box, path, roots, name):
    for file in TREE:
        box.write_file(file, "")
    assert changed_modules(box.trees, "tree", [a_file(path)], roots) == ({name: path} if name else {})


def test_a_module_in_the_root_counts_when_the_project_keeps_its_code_there(box):
    box.write_file("parse.py", "")
    box.write_file("tests/test_parse.py", "")
    assert changed_modules(box.trees, "tree", [a_file("parse.py"), a_file("setup.py")], ()) == {"parse": "parse.py"}


def test_deleted_files_and_links_are_not_imported_and_packages_come_first(box):
    box.write_file("pkg/__init__.py", "")
    link = a_file("pkg/link.py").model_copy(update={"new_mode": "120000"})
    files = [a_file("pkg/b.py"), a_file("pkg/gone.py", "D"), link, a_file("pkg/a.py", "A"), a_file("pkg/__init__.py")]
    assert list(changed_modules(box.trees, "tree", files, ())) == ["pkg", "pkg.a", "pkg.b"]


def test_a_tree_offers_what_lies_at_its_import_roots(box):
    box.write_file("pkg/__init__.py", "")
    box.write_file("src/single.py", "")
    found = {name: offers(box.trees, "tree", name, ("src",)) for name in ("pkg", "single", "numpy")}
    assert found == {"pkg": True, "single": True, "numpy": False}
