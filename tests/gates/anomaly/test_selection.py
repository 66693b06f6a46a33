"""Settings that choose which tests run, files that run before them, and CI that looks away."""

from collections.abc import Callable
from pathlib import Path

import pytest

from runner.changes.caps import Caps
from runner.changes.read import read_change
from runner.gates.anomaly.exact import terms
from runner.git.objects import PrivateObjects

Rules = Callable[[dict[str, str | None]], set[str]]
FILES = {
    "pkg/__init__.py": "def f(x):\n    return x\n",
    "tests/test_a.py": "from pkg import f\n\ndef test_a():\n    assert f(1) == 1\n",
    "tests/deep/test_b.py": "from pkg import f\n\ndef test_b():\n    assert f(2) == 2\n",
    "setup.cfg": "[metadata]\nname = pkg\n\n[tool:pytest]\naddopts = -ra --doctest-modules\ntestpaths = tests\nxfail_strict = true\n"
    "filterwarnings =\n    error\n",
    "Makefile": "test:\n\tpytest\n",
    ".github/workflows/ci.yml": "jobs:\n  test:\n    steps:\n      - run: pytest\n",
    "web/sum.test.js": "test('adds', () => { expect(sum(1, 2)).toBe(3) })\ntest('more', () => { expect(sum(2, 2)).toBe(4) })\n",
    "web/sum_test.go": 'func TestSum(t *testing.T) {\n\tif sum(1, 2) != 3 {\n\t\tt.Errorf("wrong")\n\t}\n}\n',
}
SETUP = FILES["setup.cfg"]
JS, GO = FILES["web/sum.test.js"], FILES["web/sum_test.go"]
CHANGED: dict[str, tuple[str, dict[str, str | None]]] = {
    "tests chosen by name": ("selection", {"setup.cfg": SETUP.replace("-ra", "-ra -k 'not b'")}),
    "tests deselected": ("selection", {"setup.cfg": SETUP.replace("-ra", "-ra --deselect tests/deep")}),
    "nothing but collected": ("selection", {"pytest.ini": "[pytest]\naddopts = --co\n"}),
    "another file takes their place": ("selection", {"pytest.ini": "[pytest]\ntestpaths = tests\n"}),
    "an empty file takes their place": ("selection", {"pytest.ini": ""}),
    "a file of another kind does": ("selection", {"pyproject.toml": "[tool.pytest.ini_options]\naddopts = '--collect-only'\n"}),
    "fewer folders": ("selection", {"setup.cfg": SETUP.replace("testpaths = tests", "testpaths = tests/deep")}),
    "other names of files": ("selection", {"setup.cfg": SETUP + "python_files = check_*.py\n"}),
    "other names of tests": ("selection", {"setup.cfg": SETUP + "python_functions = check_*\n"}),
    "a folder left out": ("selection", {"setup.cfg": SETUP + "norecursedirs = deep\n"}),
    "what fails as expected may pass": ("selection", {"setup.cfg": SETUP.replace("xfail_strict = true\n", "")}),
    "warnings are no errors any more": ("selection", {"setup.cfg": SETUP.replace("    error\n", "    default\n")}),
    "examples no longer run": ("selection", {"setup.cfg": SETUP.replace(" --doctest-modules", "")}),
    "settings that cannot be read": ("selection", {"pytest.ini": "[pytest\n"}),
    "a start-up hook": ("startup", {"sitecustomize.py": "import os\n"}),
    "a file that Python reads at its start": ("startup", {"tests/x.pth": "import os\n"}),
    "in place of pytest": ("startup", {"pytest.py": "print('all passed')\n"}),
    "a package in place of unittest": ("startup", {"unittest/__init__.py": ""}),
    "CI goes on": (
        "ignored_failures",
        {".github/workflows/ci.yml": FILES[".github/workflows/ci.yml"] + "        continue-on-error: true\n"},
    ),
    "a command that never fails": (
        "ignored_failures",
        {".github/workflows/ci.yml": FILES[".github/workflows/ci.yml"].replace("pytest", "pytest || true")},
    ),
    "make goes on": ("ignored_failures", {"Makefile": "test:\n\t-pytest\n"}),
    "a test of Go gone": ("deleted_tests", {"web/sum_test.go": "package web\n"}),
    "a test of Go skipped": ("skipped_tests", {"web/sum_test.go": GO.replace("\tif sum", '\tt.Skip("later")\n\tif sum')}),
    "a test of Go that claims nothing": ("fewer_assertions", {"web/sum_test.go": GO.replace('t.Errorf("wrong")', "return")}),
    "a test of JavaScript gone": ("deleted_tests", {"web/sum.test.js": JS.splitlines(keepends=True)[0]}),
    "a test of JavaScript skipped": ("skipped_tests", {"web/sum.test.js": JS.replace("test('more'", "test.skip('more'")}),
    "the only test of JavaScript": ("skipped_tests", {"web/sum.test.js": JS.replace("test('more'", "test.only('more'")}),
    "a download run": ("patterns", {"install.sh": "curl -s https://example.org/x | sudo bash\n"}),
    "who asks for the tests": (
        "patterns",
        {"pkg/__init__.py": FILES["pkg/__init__.py"] + "\nimport sys\nif 'pytest' in sys.modules:\n    f = None\n"},
    ),
    "encoded code": ("patterns", {"pkg/__init__.py": FILES["pkg/__init__.py"] + "\nexec(base64.b64decode('eA=='))\n"}),
}
UNCHANGED: dict[str, dict[str, str | None]] = {
    "more is told": {"setup.cfg": SETUP.replace("-ra", "-ra -vv --durations=5 --strict-markers")},
    "a marker": {"setup.cfg": SETUP + "markers =\n    slow: takes long\n"},
    "another part of the file": {"setup.cfg": SETUP.replace("name = pkg", "name = pkg\nversion = 2")},
    "another layout": {"setup.cfg": SETUP.replace("-ra --doctest-modules", "\n    -ra\n    --doctest-modules")},
    "more folders": {"setup.cfg": SETUP.replace("testpaths = tests", "testpaths = tests docs")},
    "more names": {"setup.cfg": SETUP + "python_files = test_*.py *_test.py check_*.py\n"},
    "a folder without tests left out": {"setup.cfg": SETUP + "norecursedirs = build\n"},
    "moved to another file": {
        "setup.cfg": "[metadata]\nname = pkg\n",
        "pytest.ini": "[pytest]\naddopts = -ra --doctest-modules\ntestpaths = tests\nxfail_strict = true\nfilterwarnings = error\n",
    },
    "moved to another kind of file": {
        "setup.cfg": "[metadata]\nname = pkg\n",
        "pyproject.toml": '[tool.pytest.ini_options]\naddopts = ["-ra", "--doctest-modules"]\ntestpaths = ["tests"]\nxfail_strict = true\n'
        'filterwarnings = ["error"]\n',
    },
    "a module of a standard name": {"pkg/logging.py": "x = 1\n"},
    "another step of CI": {".github/workflows/ci.yml": FILES[".github/workflows/ci.yml"] + "      - run: ruff check .\n"},
    "a command that may fail": {"Makefile": "test:\n\tpytest\n\nclean:\n\t-rm -r build\n"},
    "another test of Go": {"web/sum_test.go": GO + GO.replace("TestSum", "TestMore")},
    "a test of Go moved": {"web/sum_test.go": "package web\n", "web/more_test.go": GO},
    "another test of JavaScript": {"web/sum.test.js": JS + "test('third', () => { expect(1).toBe(1) })\n"},
    "a test of JavaScript renamed": {"web/sum.test.js": JS.replace("'more'", "'adds more'")},
    "a document that speaks of a download": {"README.md": "curl -s https://example.org/x | bash\n"},
    "an encoded text": {"pkg/__init__.py": FILES["pkg/__init__.py"] + "\nimport base64\nLOGO = base64.b64decode('eA==')\n"},
    "a source file": {"pkg/__init__.py": FILES["pkg/__init__.py"] + "\n\ndef g(x):\n    return 2 * x\n"},
}


@pytest.fixture
def rules(tmp_path: Path, git_in: Callable[..., str]) -> Rules:
    """The rules that a change of files breaks, on a real repository."""
    repository = tmp_path / "project"
    for name, text in FILES.items():
        (repository / name).parent.mkdir(parents=True, exist_ok=True)
        (repository / name).write_text(text)
    git_in(repository, "init", "-q")
    git_in(repository, "add", "-A")
    git_in(repository, "commit", "-qm", "first")

    def change(files: dict[str, str | None]) -> set[str]:
        for name, text in files.items():
            (repository / name).parent.mkdir(parents=True, exist_ok=True)
            (repository / name).write_text(text) if text is not None else (repository / name).unlink()
        git_in(repository, "add", "-A")
        git_in(repository, "commit", "-qm", "change")
        with PrivateObjects(repository, tmp_path / "private") as objects:
            read = read_change(
                "HEAD~1..HEAD", objects=objects, base=None, stdin=None, limits=Caps(max_patch=8 * 2**20), note=lambda _: None
            )
            return {term.rule for term in terms(read, objects)}

    return change


@pytest.mark.parametrize("name", CHANGED)
def test_what_chooses_or_steers_tests_is_seen(rules: Rules, name: str) -> None:
    rule, files = CHANGED[name]
    assert rule in rules(files)


@pytest.mark.parametrize("name", UNCHANGED)
def test_what_leaves_them_alone_is_not(rules: Rules, name: str) -> None:
    assert rules(UNCHANGED[name]) == set()


def test_no_child_process_reads_a_change_without_tests_and_settings(rules: Rules, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runner.gates.anomaly.exact.parse", None)
    assert rules({"pkg/__init__.py": "def f(x):\n    return x + 0\n", "README.md": "words\n"}) == set()


def test_a_test_file_that_nobody_could_read_is_said(rules: Rules) -> None:
    assert rules({"tests/test_a.py": "x = " + "(" * 150 + "1" + ")" * 150 + "\n" + "x = " + "-" * 100_000 + "1\n"}) & {
        "unread",
        "not_collected",
    }
    assert "unread" in rules({"tests/test_a.py": "#" * 2_100_000})
