"""Where a project keeps its importable code."""

import pytest

from runner.trial.roots import import_roots, own_modules


@pytest.mark.parametrize(
    ("files", "roots"),
    [
        (("src/pkg/__init__.py",), ("src",)),
        (("src/module.py",), ("src",)),
        (("src/name/space/a.py",), ("src",)),
        (("src/__init__.py", "src/a.py"), ()),
        (("src/main.rs", "src/README"), ()),
        (("pkg/__init__.py", "lib/vendored/__init__.py"), ()),
        ((), ()),
    ],
)
def test_src_counts_when_it_holds_code_and_is_no_package(box, files, roots):
    for file in files:
        box.write_file(file, "")
    assert import_roots(box.trees, "tree") == roots


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("pyproject.toml", '[tool.setuptools.package-dir]\n"" = "lib"\n'),
        ("pyproject.toml", '[tool.setuptools.packages.find]\nwhere = ["lib"]\n'),
        ("pyproject.toml", '[[tool.poetry.packages]]\ninclude = "pkg"\nfrom = "lib"\n'),
        ("pyproject.toml", '[tool.hatch.build.targets.wheel]\npackages = ["lib/pkg"]\n'),
        ("pyproject.toml", '[tool.pdm.build]\npackage-dir = "lib"\n'),
        ("pyproject.toml", '[tool.maturin]\npython-source = "lib"\n'),
        ("setup.cfg", "[options]\npackage_dir =\n    = lib\n"),
        ("setup.cfg", "[options.packages.find]\nwhere = lib\n"),
        ("setup.py", "from setuptools import setup\nsetup(package_dir={'': 'lib'})\n"),
    ],
)
def test_build_configuration_names_other_folders(box, name, content):
    box.write_file("lib/pkg/__init__.py", "")
    box.write_file(name, content)
    assert import_roots(box.trees, "tree") == ("lib",)


@pytest.mark.parametrize(
    "content",
    [
        '[tool.setuptools.package-dir]\n"" = "../lib"\n',
        '[tool.setuptools.package-dir]\n"" = "/lib"\n',
        '[tool.setuptools.package-dir]\n"" = "."\n',
        '[tool.setuptools.packages.find]\nwhere = ["absent", 3, "a:b"]\n',
        "[tool",
        "tool = 3\n",
    ],
)
def test_folders_outside_and_files_that_cannot_be_read_name_nothing(box, content):
    box.write_file("pkg/__init__.py", "")
    box.write_file("pyproject.toml", content)
    assert import_roots(box.trees, "tree") == ()


def test_own_modules_are_the_names_at_the_top_of_root_and_import_roots(box):
    for file in ("one.py", "setup.py", "pkg/__init__.py", "tests/__init__.py", "data/x.txt", "src/two/__init__.py", "src/three.py"):
        box.write_file(file, "")
    assert own_modules(box.trees, "tree", ("src",)) == ("one", "pkg", "three", "two")
