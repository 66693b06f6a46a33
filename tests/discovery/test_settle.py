"""What a repository's own files decide, and what a policy keeps for itself."""

import pytest

from runner.errors import UsageError

PROJECT = '[project]\nname = "berth"\nversion = "1"\n'
PYTEST_TEST = "def test_a(): pass\n"


def build(answer):
    return answer.sandbox.build.model_dump(exclude_defaults=True)


def told(answer):
    return [str(decision) for decision in answer.decisions]


def test_each_choice_names_the_file_that_it_came_from(settled):
    files = {
        "pyproject.toml": f'{PROJECT}[project.optional-dependencies]\ntest = ["pytest"]\n[tool.pytest.ini_options]\ntestpaths = ["tests"]\n'
    }
    answer = settled({**files, "tests/test_a.py": PYTEST_TEST})
    assert told(answer) == [
        "tests: pytest tests (testpaths in pyproject.toml)",
        "installs: the project (pyproject.toml)",
        "installs: extra test (project.optional-dependencies in pyproject.toml)",
    ]
    assert answer.tests.runner == "pytest"
    assert build(answer) == {"recipe": "python", "extras": ("test",)}


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("pyproject.toml", f'{PROJECT}[dependency-groups]\ntests = ["pytest"]\ndocs = ["sphinx"]\n', {"groups": ("tests",)}),
        (
            "pyproject.toml",
            f'{PROJECT}[dependency-groups]\nunit-test = ["pytest"]\ndev = ["pytest", "black"]\n',
            {"groups": ("unit-test",)},
        ),
        ("pyproject.toml", f'{PROJECT}[dependency-groups]\ntest = ["hypothesis"]\ndev = ["pytest"]\n', {"groups": ("test", "dev")}),
        ("pyproject.toml", f'{PROJECT}[dependency-groups]\ndev = [{{include-group = "x"}}]\nx = ["pytest"]\n', {"groups": ("dev",)}),
        (
            "pyproject.toml",
            f'{PROJECT}[project.optional-dependencies]\ntesting = ["pytest"]\ndev = ["pytest", "tox"]\n',
            {"extras": ("testing",)},
        ),
        (
            "pyproject.toml",
            f'{PROJECT}[project.optional-dependencies]\ndev = ["berth[test]"]\nci = ["mypy"]\nx = ["a"]\n',
            {"extras": ("dev",)},
        ),
        ("pyproject.toml", f'{PROJECT}[project.optional-dependencies]\nx = ["pytest"]\ndev = ["berth[x]"]\n', {"extras": ("dev",)}),
        ("pyproject.toml", f'{PROJECT}[tool.poetry.group.test.dependencies]\npytest = "^8.1"\n', {"packages": ("pytest>=8.1,<9",)}),
        ("pyproject.toml", '[tool.poetry]\nname = "a"\n[tool.poetry.dev-dependencies]\npytest = "*"\n', {"packages": ("pytest",)}),
        (
            "pyproject.toml",
            f'{PROJECT}[tool.hatch.envs.test]\ndependencies = ["pytest"]\nfeatures = ["x"]\n',
            {"packages": ("pytest",), "extras": ("x",)},
        ),
        ("pyproject.toml", f'{PROJECT}[tool.pdm.dev-dependencies]\ntest = ["pytest", "-e ."]\n', {"packages": ("pytest",)}),
        ("pyproject.toml", f'{PROJECT}[tool.uv]\ndev-dependencies = ["pytest>=8"]\n', {"packages": ("pytest>=8",)}),
        ("setup.cfg", "[options.extras_require]\ntests =\n  pytest\n", {"extras": ("tests",)}),
        ("setup.py", "import setuptools\nT = ['pytest']\nsetuptools.setup(extras_require={'test': T + ['mock']})\n", {"extras": ("test",)}),
        ("setup.py", "from setuptools import setup\nsetup(tests_require=['pytest', 'mock'])\n", {"packages": ("pytest", "mock")}),
        ("requirements-test.txt", "pytest\n", {"requirements": ("requirements-test.txt",)}),
        ("requirements/tests.txt", "-r base.txt\npytest\n", {"requirements": ("requirements/tests.txt",)}),
        ("test-requirements.txt", "pytest\n", {"requirements": ("test-requirements.txt",)}),
        ("dev-requirements.txt", "pytest\n", {"requirements": ("dev-requirements.txt",)}),
        ("tests/requirements.txt", "pytest\n", {"requirements": ("tests/requirements.txt",)}),
        ("docs/requirements.txt", "pytest\n", {}),
        ("pyproject.toml", f'{PROJECT}[project.optional-dependencies]\ndev = ["black"]\n', {}),
    ],
)
def test_what_the_tests_need_is_found_wherever_it_is_named(settled, name, content, expected):
    files = {"setup.py": "from setuptools import setup\nsetup()\n", "tests/test_a.py": PYTEST_TEST, name: content}
    assert {key: value for key, value in build(settled(files)).items() if key != "recipe"} == expected


@pytest.mark.parametrize(
    ("content", "project"),
    [
        (PROJECT, True),
        ('[build-system]\nrequires = ["setuptools"]\n', True),
        ("[tool.black]\nline-length = 3\n", False),
        (f"{PROJECT}[tool.uv]\npackage = false\n", False),
        ("[tool.poetry]\nname = 'a'\npackage-mode = false\n", False),
    ],
)
def test_a_pyproject_makes_a_project_only_when_it_says_how_to_build_one(settled, content, project):
    answer = settled({"pyproject.toml": content, "tests/test_a.py": PYTEST_TEST})
    assert answer.sandbox.build.project is project


def test_without_a_package_the_code_gets_what_its_files_name(settled):
    groups = '[dependency-groups]\ntest = ["pytest"]\n[project]\nname = "a"\ndependencies = ["attrs"]\n[tool.uv]\npackage = false\n'
    answer = settled({"pyproject.toml": groups, "requirements.txt": "flask\n", "app.py": "", "test_app.py": PYTEST_TEST})
    assert build(answer) == {
        "recipe": "python",
        "project": False,
        "groups": ("test",),
        "requirements": ("requirements.txt",),
        "packages": ("attrs",),
    }
    assert answer.tests.args[0] == "test_app.py"


def test_what_the_policy_gives_is_kept_and_added_to(settled):
    files = {"pyproject.toml": f'{PROJECT}[project.optional-dependencies]\ntest = ["pytest"]\n', "tests/test_a.py": "import mock\n"}
    answer = settled(files, {"args": ["tests/test_a.py"]}, {"build": {"extras": ["more"], "packages": ["mock==4"]}, "env": {"A": "1"}})
    assert answer.tests.args == ("tests/test_a.py",)
    assert build(answer) == {"recipe": "python", "extras": ("more", "test"), "packages": ("mock==4",)}
    assert answer.sandbox.env == {"A": "1"}


def test_a_package_of_the_policy_stands_in_place_of_one_that_is_found(settled):
    answer = settled({"tox.ini": "[testenv]\ndeps =\n  PyTest>=9\n  mock\n"}, sandbox={"build": {"packages": ["pytest<9"]}})
    assert answer.sandbox.build.packages == ("pytest<9", "mock")


def test_what_is_spelled_out_is_not_worked_out(settled):
    files = {"pyproject.toml": f'{PROJECT}[project.optional-dependencies]\ntest = ["pytest"]\n', "tests/test_a.py": PYTEST_TEST}
    assert build(settled(files, sandbox={"build": {"recipe": "python"}})) == {"recipe": "python"}
    assert settled(files, {"runner": "pytest"}).tests.args == ()
    assert settled(files, {"runner": "pytest"}).sandbox.build.extras == ("test",)
    assert settled(files, {"runner": "command", "command": ["make"]}).tests.command == ("make",)
    named = settled(files, sandbox={"image": "mine:1"})
    assert (named.sandbox.build, named.tests.runner) == (None, "pytest")
    assert told(named) == ["tests: pytest tests (1 test file there)"]


def test_where_no_test_is_found_that_is_said_with_the_mend(settled):
    assert "name them by tests.args" in told(settled({"setup.py": "", "a.py": "x = 1\n"}))[0]


@pytest.mark.parametrize(
    "files",
    [
        {"setup.cfg": "no section\n", "tox.ini": "[testenv\n", "noxfile.py": "def (", "setup.py": "\0"},
        {"pyproject.toml": 'project = 3\ntool = "x"\ndependency-groups = [1]\n'},
        {
            "pyproject.toml": "[project]\noptional-dependencies = [1]\ndependencies = {a = 1}\n[tool.poetry]\ngroup = 1\ndev-dependencies = [2]\n"
        },
        {"pyproject.toml": '[project]\nname = 3\n[project.optional-dependencies]\ntest = [1, {a = 2}]\n"te st\\n" = ["pytest"]\n'},
        {"pyproject.toml": '[dependency-groups]\ntest = [{include-group = "test"}, {include-group = 3}]\n'},
        {"pyproject.toml": '[project]\nname="a"\n[project.optional-dependencies]\ntest = ["a[test]"]\n'},
        {"pyproject.toml": "[tool.tox]\nenv_run_base = 1\nenv = [1]\n[tool.hatch]\nenvs = 3\n[tool.pdm]\ndev-dependencies = {test = 3}\n"},
        {"tox.ini": "[testenv]\ndeps = {[testenv]deps}\ncommands = {[testenv]commands}\nchangedir = ../..\n"},
        {
            "tox.ini": "[testenv]\nsetenv = LD_PRELOAD=x\n  =y\n  A\ncommands = pytest '\n  pytest ../../etc -c /etc/passwd\ndeps = -r ../../x\n"
        },
        {"setup.py": f"from setuptools import setup\nA = B\nB = A\nsetup(extras_require=A, **B, name={'(' * 50}1{')' * 50})\n"},
        {"tests/test_a.py": b"\xff\xfe import \x00", "conftest.py": "((((" * 2000},
        {"requirements-test.txt": "-r requirements-test.txt\n-r ../../x\n--index-url x\npytest\n"},
        {"package.json": "[" * 5000},
        {"pyproject.toml": f'{PROJECT}[project.optional-dependencies]\n"test " = ["pytest"]\n'},
        {"pyproject.toml": f'{PROJECT}[tool.pdm.dev-dependencies]\ntest = ["pytest\\u2028"]\n'},
        {"package.json": '{"scripts": 3}'},
    ],
)
def test_odd_files_say_nothing_and_break_nothing(settled, files):
    answer = settled(files)
    assert answer.tests.runner != "auto"
    assert answer.sandbox.build.recipe != "auto"
    assert "LD_PRELOAD" not in answer.sandbox.env


def test_a_configuration_that_pytest_cannot_start_with_is_the_users_to_mend(settled):
    with pytest.raises(UsageError, match=r"pyproject.toml cannot be read"):
        settled({"pyproject.toml": "[project\n"})


def test_files_that_are_too_large_are_not_read(settled):
    files = {
        "pyproject.toml": PROJECT + '[project.optional-dependencies]\ntest = ["pytest"]\n' + "#" * 2**20,
        "tests/test_a.py": PYTEST_TEST,
    }
    assert settled(files).sandbox.build.extras == ()


@pytest.mark.parametrize(
    ("files", "recipe", "command", "report"),
    [
        ({"package.json": '{"scripts": {"test": "node --test lib/"}}', "a.js": ""}, "node", "lib/", "junit"),
        ({"package.json": '{"scripts": {"test": "jest"}}'}, "node", "test", "exit"),
        ({"go.mod": "module a\n", "a.go": ""}, "go", "./...", "junit"),
        ({"package.json": "{}", "setup.py": ""}, "python", None, "exit"),
    ],
)
def test_a_repository_without_python_gets_another_recipe(settled, files, recipe, command, report):
    answer = settled(files)
    assert (answer.sandbox.build.recipe, answer.tests.report) == (recipe, report)
    assert answer.tests.runner == ("pytest" if command is None else "command")
    assert command is None or answer.tests.command[-1] == command


CASES = "import unittest\nclass TestA(unittest.TestCase):\n    def test_a(self):\n        self.assertTrue(1)\n"


@pytest.mark.parametrize(
    ("files", "only_cases"),
    [
        ({"tests/test_a.py": CASES}, True),
        ({"tests/test_a.py": CASES, "pyproject.toml": PROJECT}, True),
        ({"tests/test_a.py": CASES, "pyproject.toml": '[tool.pytest.ini_options]\naddopts = "-ra"\n'}, False),
        ({"tests/test_a.py": CASES, "tests/test_b.py": "def test_b():\n    pass\n"}, False),
        ({"tests/test_a.py": CASES.replace("self.assertTrue(1)", "assert 1")}, True),
        ({"tests/test_a.py": f"{CASES}class TestB:\n    def test_b(self):\n        assert 1\n"}, False),
        ({"tests/test_a.py": f"{CASES}class TestB(object):\n\n    def test_b(self):\n        self.assertTrue(1)\n"}, True),
        ({"tests/test_a.py": f"import pytest\n{CASES}"}, False),
    ],
)
def test_a_suite_for_unittest_alone_runs_test_cases_alone(settled, files, only_cases):
    assert ("python_classes=" in settled(files).tests.args) == only_cases


@pytest.mark.parametrize(
    ("tests", "asked"),
    [
        ({}, {"extras": ["test"]}),
        ({}, {"packages": ["x"]}),
        ({}, {"python": "3.12"}),
        ({}, {"project": False}),
        ({"runner": "pytest"}, {}),
        ({"args": ["backend"]}, {}),
    ],
)
def test_a_policy_that_speaks_of_python_is_not_overruled_by_files_of_another_language(settled, tests, asked):
    answer = settled({"package.json": "{}", "backend/test_a.py": PYTEST_TEST}, tests, {"build": asked})
    assert (answer.tests.runner, answer.sandbox.build.recipe) == ("pytest", "python")
