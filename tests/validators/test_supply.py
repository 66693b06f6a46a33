"""The layer `supply`: secrets that a change adds, and what it changes about where code comes from."""

import json
from collections.abc import Callable
from hashlib import sha1

import pytest

from runner.errors import InfrastructureError
from runner.model import lines
from runner.model.result import Cause, Outcome, Result
from runner.validators import supply
from runner.validators.supply import lookalike, secrets

Judged = Callable[..., Result]
# put together here, so that no scanner takes this file for a leak
AWS = "AKIA" + "QX3T7NFZ2LD5WM4R"
GITHUB = "ghp_" + "4kTz9QmWv2XcLr7NbYd5HsJf8GpAo3EuRi6T"
KEY = "-----BEGIN RSA " + "PRIVATE KEY-----\n" + "MIIEpAIBAAKCAQEA7bq2uZqkR3mXv9Yt5wLpE8sJdGhN4cBf\n" * 3
SECRETS = {
    "aws": f"id = '{AWS}'",
    "aws secret": "AWS_SECRET_ACCESS_KEY=" + "k9Vw2ZtQ7xNfLm4RbJc8HsYd3GpUa6EoTi1XvBnK",
    "github": f"TOKEN={GITHUB}",
    "github, fine-grained": "github_pat_" + "A1b2C3d4E5f6G7h8I9j0K1" + "_" + "a9B8c7D6e5F4g3H2i1J0" * 3,
    "slack": "https://hooks.slack" + ".com/services/T0AB12CD3/B0EF45GH6/qR7sT8uV9wX0yZ1aB2cD3eF4",
    "stripe": "sk_live_" + "9fQ2mZx7Lk4Vt8Rw3Yb6Nc1D",
    "pypi": "pypi-AgEI" + "cHlwaS5vcmc" + "Qx7Rt2" * 14,
    "google": "AIza" + "SyB7kQ9wXr2mVt4LpN8cZd5HfJ3gYe6Ua1T",
    "key": KEY,
}


def rules(result: Result) -> set[str]:
    return {finding.rule for finding in result.findings}


@pytest.mark.parametrize("kind", sorted(SECRETS))
def test_a_secret_of_a_known_format_is_rejected_and_never_shown(judged: Judged, kind: str) -> None:
    result = judged(supply, {}, {"pkg/settings.py": f"x = 1\n{SECRETS[kind]}\n"})
    assert (result.outcome, rules(result)) == (Outcome.FAIL, {"supply.secret"})
    said = result.model_dump_json()
    assert not any(word in said for word in SECRETS[kind].replace("=", " ").split() if len(word) > 20)
    assert result.findings[0].line == 2


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("requirements.txt", "a" + " " * 250_000 + "!"),
        (".npmrc", "registry" + "auth" * 60_000),
    ],
)
@pytest.mark.timeout(20)
def test_no_line_of_a_dependency_file_takes_more_than_a_moment(judged: Judged, path: str, text: str) -> None:
    assert judged(supply, {}, {path: text + "\n"}).outcome is Outcome.HOLD


@pytest.mark.timeout(30)
def test_a_long_line_of_what_was_there_before_takes_no_more_than_a_moment(judged: Judged) -> None:
    known = [sha1(b"%d" % number).hexdigest()[:16] for number in range(30_000)]
    after = " ".join(f"sk- {token}" for token in known)
    assert judged(supply, {"a.txt": "\n".join(known)}, {"a.txt": after}).outcome is not Outcome.FAIL


def test_a_secret_late_in_a_crowded_line_is_found(judged: Judged) -> None:
    crowd = "sk- " * 2000
    assert judged(supply, {}, {"a.txt": f"{crowd}{GITHUB} {crowd}\n"}).outcome is Outcome.FAIL


@pytest.mark.timeout(30)
def test_names_without_number_are_not_all_compared(judged: Judged) -> None:
    files = {f"requirements/r{number}.txt": "".join(f"berth{number}x{at}\n" for at in range(400)) for number in range(2)}
    result = judged(supply, {}, files)
    assert (result.outcome, result.cause) == (Outcome.UNKNOWN, Cause.EVIDENCE)


def test_a_line_of_npm_settings_is_shown_without_its_secret(judged: Judged) -> None:
    result = judged(supply, {}, {".npmrc": "//registry.example/:_authToken=Qz81xWv72LmN\n"})
    assert rules(result) == {"supply.index"}
    assert "Qz81xWv72LmN" not in result.model_dump_json()


def test_a_change_that_is_too_large_to_search_at_once_is_unknown(judged: Judged, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "MOST_TOGETHER", 100)
    result = judged(supply, {}, {"a.txt": "x\n" * 40, "b.txt": f"T = '{GITHUB}'\n" * 3})
    assert (result.outcome, [finding.path for finding in result.findings]) == (Outcome.UNKNOWN, ["b.txt"])


@pytest.mark.parametrize("mark", ["# pragma: allowlist secret", "# noqa", "# nosec", "// gitleaks:allow", "# detect-secrets: ignore"])
def test_no_mark_of_the_change_silences_a_secret(judged: Judged, mark: str) -> None:
    assert (
        judged(supply, {}, {".secrets.baseline": "{}", "a.py": f"# pragma: allowlist nextline secret\nT = '{GITHUB}'  {mark}\n"}).outcome
        is Outcome.FAIL
    )


@pytest.mark.parametrize(
    ("path", "text", "outcome"),
    [
        ("tests/test_a.py", f"T = '{GITHUB}'", Outcome.HOLD),
        ("tests/server.key", KEY, Outcome.WARN),
        ("docs/use.md", "export KEY=" + "AKIA" + "IOSFODNN7EXAMPLE", Outcome.WARN),
        ("a.py", "URL = 'postgresql://user:password@localhost/db'", Outcome.WARN),
        ("a.py", "if 'BEGIN RSA " + "PRIVATE KEY' in text:\n    pass", Outcome.PASS),
        ("a.py", "sha = '9fceb02d0ae598e95dc970b74767f19372d61af8'", Outcome.PASS),
        ("a.py", "password = 'correct horse battery staple'", Outcome.PASS),
        ("a.txt", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI3NzQ0In0.dBjftJeZ4CVPmB92K27uhbUJU1p1r_wW1gFWFOEjXk", Outcome.HOLD),
    ],
)
def test_less_follows_where_less_is_known(judged: Judged, path: str, text: str, outcome: Outcome) -> None:
    assert judged(supply, {}, {path: text + "\n"}).outcome is outcome


def test_a_secret_that_the_base_has_is_not_news(judged: Judged) -> None:
    base = {"a.py": f"T = '{GITHUB}'\nx = 1\n"}
    assert judged(supply, base, {"a.py": f"x = 2\ndef f():\n    T = '{GITHUB}'\n"}).outcome is Outcome.PASS
    assert judged(supply, base, {"b.py": f"T = '{GITHUB}'\nx = 1\ny = 1\n"}).outcome is Outcome.PASS
    assert judged(supply, base, {"a.py": f"TOKEN = '{GITHUB}'\nx = 1\n"}).outcome is Outcome.PASS


def test_a_secret_far_inside_a_long_line_is_found(judged: Judged) -> None:
    assert judged(supply, {}, {"a.json": '{"a": "' + "b " * 300_000 + f'", "t": "{GITHUB}"' + "}\n"}).outcome is Outcome.FAIL


def test_a_file_full_of_what_looks_like_secrets_is_not_passed(judged: Judged) -> None:
    result = judged(supply, {}, {"a.txt": "".join(f"sk-{number:09}\n" for number in range(secrets.MOST_PLACES + 1)) + GITHUB})
    assert result.outcome is Outcome.UNKNOWN


def test_without_detectors_there_is_no_answer(judged: Judged, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(InfrastructureError, match="detect-secrets"):
        judged(supply, {}, {"a.py": GITHUB})


def test_a_text_without_anything_like_a_secret_starts_nothing(judged: Judged, monkeypatch: pytest.MonkeyPatch) -> None:
    def started(*_: object) -> list[object]:
        raise AssertionError("a child was started")

    monkeypatch.setattr(secrets, "parse", started)
    assert judged(supply, {}, {"a.py": "def f(x):\n    return x\n"}).outcome is Outcome.PASS


PYPROJECT = '[project]\nname = "a"\nlicense = "MIT"\ndependencies = ["requests>=2"]\n'


@pytest.mark.parametrize(
    ("path", "old", "new", "rule", "said"),
    [
        ("requirements.txt", "requests==2.0\n", "requests==2.1\n", "supply.changed-dependency", "requests: ==2.0 -> ==2.1"),
        ("requirements.txt", "requests\n", "requests\nnewone ; python_version < '3.9'\n", "supply.new-dependency", "newone"),
        ("requirements.txt", "", "a @ https://me:" + "pw@h.example/a.whl\n", "supply.direct-source", "https://h.example/a.whl"),
        ("requirements.txt", "", "git+https://h.example/a.git@main#egg=a\n", "supply.direct-source", "takes a from git+https"),
        ("requirements.txt", "", "-e git+ssh://h.example/a.git\n", "supply.direct-source", "git+ssh"),
        (
            "requirements.txt",
            "",
            "--extra-index-url=https://me:" + "pw@h.example/simple?token=x\n",
            "supply.index",
            "https://h.example/simple",
        ),
        ("requirements.txt", "", "-i https://h.example/simple\n", "supply.index", "h.example"),
        ("requirements.txt", "", "--extra-index https://h.example/simple\n", "supply.index", "h.example"),
        ("requirements.txt", "", "--trusted-\\\nhost h.example\n", "supply.index", "trusted-"),
        ("requirements.txt", "", "what is this\n", "supply.unread", "line 1"),
        ("constraints.txt", "a==1\n", "a==2\n", "supply.changed-dependency", "a: ==1 -> ==2"),
        ("pyproject.toml", PYPROJECT, PYPROJECT.replace('"requests>=2"', '"requests>=2", "newone"'), "supply.new-dependency", "newone"),
        ("pyproject.toml", PYPROJECT, PYPROJECT + "[project.optional-dependencies]\nx = ['newone']\n", "supply.new-dependency", "newone"),
        (
            "pyproject.toml",
            PYPROJECT,
            PYPROJECT + "[dependency-groups]\nx = ['newone', {include-group = 'y'}]\n",
            "supply.new-dependency",
            "newone",
        ),
        ("pyproject.toml", PYPROJECT, PYPROJECT + "[build-system]\nrequires = ['newone']\n", "supply.new-dependency", "newone"),
        ("pyproject.toml", PYPROJECT, PYPROJECT + "[tool.poetry.group.x.dependencies]\nnewone = '^1'\n", "supply.new-dependency", "newone"),
        (
            "pyproject.toml",
            PYPROJECT,
            PYPROJECT + "[tool.uv.sources]\nrequests = {git = 'https://h.example/r'}\n",
            "supply.direct-source",
            "h.example",
        ),
        ("pyproject.toml", PYPROJECT, PYPROJECT + "[[tool.uv.index]]\nurl = 'https://h.example/simple'\n", "supply.index", "h.example"),
        (
            "pyproject.toml",
            PYPROJECT,
            PYPROJECT + "[[tool.poetry.source]]\nname = 'x'\nurl = 'https://h.example'\n",
            "supply.index",
            "h.example",
        ),
        ("pyproject.toml", PYPROJECT, "[project\n", "supply.unread", "could not be parsed"),
        (
            "setup.cfg",
            "[options]\ninstall_requires =\n    a\n",
            "[options]\ninstall_requires =\n    a\n    newone>=1\n",
            "supply.new-dependency",
            "newone",
        ),
        ("setup.py", "setup(install_requires=['a'])", "D = ['a', 'newone']\nsetup(install_requires=D)", "supply.new-dependency", "newone"),
        ("setup.py", "setup(install_requires=['a'])", "setup(install_requires=f())", "supply.unread", "install_requires"),
        ("Pipfile", "[packages]\n", "[packages]\nnewone = '*'\n", "supply.new-dependency", "newone"),
        ("Pipfile", "[packages]\n", "[[source]]\nurl = 'https://h.example'\n[packages]\n", "supply.index", "h.example"),
        ("package.json", "{}", '{"dependencies": {"newone": "^1"}}', "supply.new-dependency", "newone ^1"),
        ("package.json", "{}", '{"dependencies": {"newone": "me/newone"}}', "supply.direct-source", "me/newone"),
        ("package.json", "{}", '{"scripts": {"postinstall": "node x.js"}}', "supply.index", "postinstall"),
        ("go.mod", "module m\n", "module m\nrequire (\n\th.example/x v1.0.0\n)\n", "supply.new-dependency", "h.example/x v1.0.0"),
        ("go.mod", "module m\n", "module m\nreplace h.example/x => ../x\n", "supply.direct-source", "../x"),
        ("pip.conf", "", "[global]\nextra-index-url = https://h.example\n", "supply.index", "h.example"),
        (".npmrc", "", "registry=https://h.example\n//h.example/:_authToken=abc\n", "supply.index", "registry"),
    ],
)
def test_what_is_installed_from_where_is_told_by_name_and_holds(
    judged: Judged, path: str, old: str, new: str, rule: str, said: str
) -> None:
    result = judged(supply, {path: old} if old else {}, {path: new})
    messages = [finding.message for finding in result.findings if finding.rule == rule]
    assert any(said in message for message in messages), result.findings
    assert result.outcome is Outcome.HOLD
    assert "pw" not in result.model_dump_json()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({"requirements.txt": "a>=1,<2\nB_c\n"}, {"requirements.txt": "# why\nb-c\na <2, >=1  # note\n"}),
        ({"pyproject.toml": PYPROJECT}, {"pyproject.toml": PYPROJECT + "\n[tool.ruff]\nline-length = 100\n"}),
        ({"requirements.txt": "-e .\n"}, {"requirements.txt": "-e .\n-r other.txt\n"}),
    ],
    ids=["spelling and order", "other keys", "includes"],
)
def test_what_changes_nothing_about_dependencies_passes(judged: Judged, old: dict[str, str], new: dict[str, str]) -> None:
    assert judged(supply, old, new).outcome is Outcome.PASS


def test_a_dependency_that_the_project_names_elsewhere_is_not_new(judged: Judged) -> None:
    base = {"pyproject.toml": PYPROJECT}
    assert rules(judged(supply, base, {**base, "requirements/dev.txt": "requests\n"})) == {"supply.changed-dependency"}


def test_a_dependency_that_is_dropped_is_a_warning(judged: Judged) -> None:
    assert judged(supply, {"requirements.txt": "a\nb\n"}, {"requirements.txt": "a\n"}).outcome is Outcome.WARN


@pytest.mark.parametrize(
    ("name", "outcome"),
    [
        ("request5", Outcome.HOLD),
        ("reqeusts", Outcome.HOLD),
        ("python-requests", Outcome.HOLD),
        ("scikitlearn", Outcome.FAIL),
        ("djang0", Outcome.FAIL),
    ],
)
def test_a_new_name_that_passes_for_a_known_one_is_found(judged: Judged, name: str, outcome: Outcome) -> None:
    result = judged(supply, {"requirements.txt": "requests\n"}, {"requirements.txt": f"requests\n{name}\n"})
    assert "supply.lookalike" in rules(result)
    assert result.outcome is outcome


def test_known_names_and_the_projects_own_are_nobodys_lookalike() -> None:
    assert lookalike.like("requests", "python", ()) is None
    assert lookalike.like("reqests", "python", ["reqests"]) is None
    assert lookalike.like("something-else-entirely", "python", ()) is None
    assert lookalike.like("mycompany-tols", "python", ["mycompany-tools"]) == ("mycompany-tools", False)
    assert lookalike.like("lodahs", "npm", ()) == ("lodash", False)


def test_shipped_names_are_those_of_the_index_and_no_two_pass_for_one() -> None:
    for ecosystem in ("python", "npm"):
        names = lookalike.known_names(ecosystem)
        assert len(names) > 500
        assert all(name == name.lower() for name in names)


UV = '[[package]]\nname = "requests"\nversion = "2.0"\nsource = {{ registry = "https://{host}/simple" }}\nwheels = [{{ url = "https://f.example/r.whl", hash = "sha256:{hash}" }}]\n'


def test_a_lock_that_pins_another_digest_for_the_same_release_is_rejected(judged: Judged) -> None:
    old, new = (UV.format(host="i.example", hash=digest) for digest in ("aa", "bb"))
    assert judged(supply, {"uv.lock": old}, {"uv.lock": new}).outcome is Outcome.FAIL
    npm = {
        "lockfileVersion": 3,
        "packages": {"node_modules/a": {"version": "1.0.0", "resolved": "https://r.example/a.tgz", "integrity": "sha512-a"}},
    }
    other = json.dumps(npm).replace("sha512-a", "sha512-b")
    assert judged(supply, {"package-lock.json": json.dumps(npm)}, {"package-lock.json": other}).outcome is Outcome.FAIL
    assert judged(supply, {"go.sum": "m v1 h1:a\n"}, {"go.sum": "m v1 h1:b\n"}).outcome is Outcome.FAIL


def test_a_lock_that_takes_packages_from_elsewhere_holds(judged: Judged) -> None:
    old, new = (UV.format(host=host, hash="aa") for host in ("i.example", "evil.example"))
    result = judged(supply, {"uv.lock": old}, {"uv.lock": new})
    assert (result.outcome, "evil.example" in result.reason) == (Outcome.HOLD, True)


def test_a_lock_and_a_manifest_that_disagree_are_told(judged: Judged) -> None:
    lock = UV.format(host="i.example", hash="aa")
    base = {"pyproject.toml": PYPROJECT, "uv.lock": lock}
    newer = PYPROJECT.replace('"requests>=2"', '"requests>=2", "newone"')
    assert "supply.lock-behind" in rules(judged(supply, base, {**base, "pyproject.toml": newer}))
    assert "supply.lock-behind" in rules(judged(supply, base, {"pyproject.toml": newer, "uv.lock": lock + "\n"}))
    assert rules(judged(supply, base, {**base, "uv.lock": lock + "\n"})) == {"supply.lock-alone"}


def test_a_licence_is_a_warning_until_the_policy_names_those_allowed(judged: Judged) -> None:
    base, new = {"pyproject.toml": PYPROJECT}, {"pyproject.toml": PYPROJECT.replace("MIT", "GPL-3.0-only")}
    assert judged(supply, base, new).outcome is Outcome.WARN
    assert judged(supply, base, new, licences=("MIT",)).outcome is Outcome.HOLD
    assert judged(supply, base, new, licences=("GPL-3.0-only",)).outcome is Outcome.WARN
    assert judged(supply, {"LICENSE": "a"}, {}).outcome is Outcome.WARN


@pytest.mark.parametrize("content", ["[" * 100_000, '{"dependencies": ' + "[" * 100_000, "a" * 300_000, "\0\n", "é @ x", "-" * 1000])
@pytest.mark.parametrize(
    "path",
    ["package.json", "package-lock.json", "requirements.txt", "pyproject.toml", "setup.py", "go.mod", "go.sum", ".npmrc", "Pipfile.lock"],
)
def test_hostile_files_are_never_a_crash(judged: Judged, path: str, content: str) -> None:
    assert judged(supply, {}, {path: content}).outcome in (Outcome.PASS, Outcome.WARN, Outcome.HOLD)
