"""Which configuration pytest takes, and which options a trial keeps."""

import re
import subprocess
import sys

import pytest

from runner.errors import UsageError
from runner.trial.pytest_options import kept, read_configuration


@pytest.mark.parametrize(
    ("given", "keep", "drop"),
    [
        ("-n 4", "", "-n 4"),
        ("-n4", "", "-n4"),
        ("-n=4", "", "-n=4"),
        ("-n auto -q", "-q", "-n auto"),
        ("--numprocesses=auto --dist loadfile", "", "--numprocesses=auto --dist loadfile"),
        ("-vn 4 tests", "-v tests", "-n 4"),
        ("-x", "", "-x"),
        ("-qx", "-q", "-x"),
        ("-xvs", "-vs", "-x"),
        ("-d --tx popen", "", "-d --tx popen"),
        ("--maxfail=1 --maxfail 2 --exitfirst", "", "--maxfail=1 --maxfail 2 --exitfirst"),
        ("-rxXs -ra", "-rxXs -ra", ""),
        ("-k x -m n", "-k x -m n", ""),
        ("-kx -Werror -W error::x", "-kx -Werror -W error::x", ""),
        ("--cov --cov-report=xml -q", "-q", "--cov --cov-report=xml"),
        ("--cov src tests", "tests", "--cov src"),
        ("--cov=src --cov-fail-under 90 --no-cov-on-fail --cov-branch tests", "tests",
         "--cov=src --cov-fail-under 90 --no-cov-on-fail --cov-branch"),
        ("--lf --ff --nf --sw --stepwise-skip --last-failed --failed-first tests", "tests",
         "--lf --ff --nf --sw --stepwise-skip --last-failed --failed-first"),
        ("--reruns 3 --reruns-delay=1 --only-rerun X --rerun-except=Y", "", "--reruns 3 --reruns-delay=1 --only-rerun X --rerun-except=Y"),
        ("--pdb --trace --pdbcls=a:b", "", "--pdb --trace --pdbcls=a:b"),
        ("--junitxml=a.xml --junit-xml b.xml -o junit_family=xunit2 -ojunit_logging=all", "",
         "--junitxml=a.xml --junit-xml b.xml -o junit_family=xunit2 -ojunit_logging=all"),
        ("--override-ini=junit_family=x --override-ini xfail_strict=true", "--override-ini xfail_strict=true", "--override-ini=junit_family=x"),
        ("-o xfail_strict=true -p no:randomly", "-o xfail_strict=true -p no:randomly", ""),
        ("-p randomly -prandom_order -p xdist", "-p xdist", "-p randomly -prandom_order"),
        ("--html=r.html --self-contained-html --color=yes --json-report", "", "--html=r.html --self-contained-html --color=yes --json-report"),
        ("--random-order --random-order-seed 3 --randomly-seed=1", "", "--random-order --random-order-seed 3 --randomly-seed=1"),
        ("--strict-markers --doctest-modules --import-mode=importlib --benchmark-skip",
         "--strict-markers --doctest-modules --import-mode=importlib --benchmark-skip", ""),
        ("--deselect -x --ignore -n", "--deselect -x --ignore -n", ""),
        ("-Zx", "-Zx", ""),
        ("-q -- -x", "-q -- -x", ""),
        ("-n", "", "-n"),
        ("--maxfail", "", "--maxfail"),
    ],
)  # fmt: skip
def test_addopts_are_split_into_kept_and_dropped(given, keep, drop):
    assert kept(given.split()) == (tuple(keep.split()), tuple(drop.split()))


FILES = {
    "pytest.toml": '[pytest]\naddopts = ["-q", "--x=a b"]\n',
    ".pytest.toml": '[pytest]\naddopts = ["-q", "--x=a b"]\n',
    "pytest.ini": "[pytest]\naddopts = -q\n  '--x=a b'\n",
    ".pytest.ini": "[pytest]\naddopts = -q '--x=a b'\n",
    "tox.ini": "[tox]\nenvlist = py\n[pytest]\naddopts = -q '--x=a b'\n",
    "setup.cfg": "[metadata]\nname = %(nothing)s\n[tool:pytest]\naddopts = -q '--x=a b'\n",
}


@pytest.mark.parametrize("name", [*FILES, "pyproject.toml"])
def test_every_kind_of_configuration_file_is_read(box, name):
    box.write_file(name, FILES.get(name, "[tool.pytest.ini_options]\naddopts = \"-q '--x=a b'\"\n"))
    config = read_configuration(box.trees, "tree")
    assert (config.file, config.rootdir, config.addopts) == (name, "", ("-q", "--x=a b"))


def test_the_native_table_of_pyproject_is_read(box):
    box.write_file("pyproject.toml", '[tool.pytest]\naddopts = ["-q"]\ntestpaths = ["tests"]\npythonpath = ["src"]\n')
    config = read_configuration(box.trees, "tree")
    assert (config.addopts, config.testpaths, config.pythonpath) == (("-q",), ("tests",), ("src",))


@pytest.mark.parametrize(
    ("files", "args", "expected"),
    [
        ({"pytest.ini": "", "tox.ini": "[pytest]\n"}, (), "pytest.ini"),
        ({"pyproject.toml": "[project]\nname='x'\n", "setup.cfg": "[tool:pytest]\n"}, (), "setup.cfg"),
        ({"pyproject.toml": "[tool.pytest.ini_options]\n", "pytest.ini": "[other]\n"}, (), "pytest.ini"),
        ({"pyproject.toml": "[project]\nname='x'\n", "tox.ini": "[tox]\n"}, (), "pyproject.toml"),
        ({"tests/pytest.ini": "[pytest]\n", "pytest.ini": "[pytest]\n", "tests/a.py": ""}, ("tests/a.py::x",), "tests/pytest.ini"),
        ({"tests/pytest.ini": "[pytest]\n", "pytest.ini": "[pytest]\n"}, ("-k", "tests"), "pytest.ini"),
        ({"tests/pytest.ini": "[pytest]\n", "pytest.ini": "[pytest]\n", "more/b.py": ""}, ("tests", "more"), "pytest.ini"),
        ({"deep/er/x.py": "", "deep/tox.ini": "[pytest]\n"}, ("deep/er",), "deep/tox.ini"),
        ({"other.ini": "[pytest]\n", "pytest.ini": "[pytest]\n"}, ("-c", "other.ini"), "other.ini"),
        ({"test_a.py": ""}, (), None),
    ],
)
def test_the_file_is_the_one_pytest_itself_takes(box, files, args, expected):
    for name, content in {"test_x.py": "", **files}.items():
        box.write_file(name, content)
    assert read_configuration(box.trees, "tree", args).file == expected
    shown = subprocess.run(
        [sys.executable, "-m", "pytest", "--co", *args], cwd=box.work, capture_output=True, text=True, check=False
    ).stdout  # fmt: skip
    said = dict(re.findall(r"(rootdir|configfile): ([^,\s]+)", shown))
    taken = f"{said['rootdir']}/{said['configfile']}" if "configfile" in said else None
    assert taken == (f"{box.work}/{expected}" if expected else None)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("pyproject.toml", "[tool.pytest"),
        ("pytest.ini", "[pytest]\naddopts = 'open"),
        ("pytest.ini", "[pytest]\n= nothing ="),
        ("pyproject.toml", "[tool.pytest.ini_options]\naddopts = 3\n"),
    ],
)
def test_what_pytest_cannot_read_is_an_error_that_names_the_file(box, name, content):
    box.write_file(name, content)
    with pytest.raises(UsageError, match=name):
        read_configuration(box.trees, "tree")


def test_other_tools_files_that_are_odd_do_not_matter(box):
    box.write_file("tox.ini", "no section\n")
    box.write_file("setup.cfg", "= nothing\n")
    assert read_configuration(box.trees, "tree").file is None
