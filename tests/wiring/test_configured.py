"""The file of a server: all that is wrong with it is told at once, each with its place."""

from pathlib import Path

import pytest

from runner.cli.failure import of_error
from runner.errors import ConfigurationInvalid, UsageError
from runner.wiring.configured import configured

GOOD = 'seatrial-server: 1\nrepos:\n  app: {path: /srv/app.git}\ntargets:\n  main: {target: "git:/srv/app.git#main", repo: app}\n'
BAD = """\
seatrial-server: 1
listen: nowhere
repos:
  app: {path: app.git, colour: red}
  two: {path: /x, url: "https://a/b"}
targets:
  main: {target: "gti:/x#main", repo: ap}
  more: {target: "git:/x#", repo: app, labels: 7}
identities:
  - {issuer: a, audience: b, jwks_file: keys.json, claims: {sub: a}, name: n, scopes: [raed], targets: [mian]}
"""
FORMS = "give git:PATH#REF for a ref of a repository, or dir:PATH for a live folder"
FAULTS = [
    "2:9: listen: 'nowhere' is no address to listen on; give HOST:PORT or unix:PATH",
    "4:15: repos.app.path: 'app.git' depends on where the server is started; give the whole path",
    "4:24: repos.app.colour: unknown key; the keys here are: path, url, credential, timeout, largest, policy, labels",
    "5:8: repos.two: give exactly one of path and url",
    f"7:18: targets.main.target: 'gti:/x#main' does not say what kind of target it is; {FORMS}",
    "7:39: targets.main.repo: 'ap' is not among `repos`; did you mean 'app'? There are: app, two",
    "8:18: targets.more.target: the target 'git:/x#' names no ref after the '#'; leave the '#' out, and the run makes a branch of its own",
    "8:48: targets.more.labels: found 7, expected a list, e.g. [tests]",
    "10:41: identities[0].jwks_file: 'keys.json' depends on where the server is started; give the whole path",
    "10:88: identities[0].scopes[0]: there is no scope 'raed'; scopes are: read, submit, approve, operate, safety:admin",
    "10:105: identities[0].targets[0]: 'mian' is not among `targets`; did you mean 'main'? There are: main, more",
]


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


def written(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "server.yaml"
    file.write_text(text)
    return file


def test_all_faults_are_told_at_once_under_a_headline_of_their_own(tmp_path: Path) -> None:
    file = written(tmp_path, BAD)
    with pytest.raises(ConfigurationInvalid) as told:
        configured(file)
    assert list(told.value.problems) == [f"{file}:{fault}" for fault in FAULTS]
    failure = of_error(told.value)
    assert (failure.code, failure.exit_code) == ("configuration-invalid", 2)
    assert failure.message.splitlines()[0] == "the server's configuration has 11 faults"
    assert "policy" not in failure.message.splitlines()[0]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "1:1: the file is empty; it begins with: seatrial-server: 1"),
        ("- a", "1:1: the file is a map of keys and values, and begins with: seatrial-server: 1"),
        ("seatrial-server: 2", "1:18: seatrial-server: found 2, expected one of: 1"),
        ("seatrial-server: 1\nlisten: unix:here", "2:9: listen: 'unix:here' names no whole path; give HOST:PORT or unix:PATH"),
        ('seatrial-server: 1\ntargets: {a: {target: "dir:/x", repo: b}}', "2:39: targets.a.repo: 'b' is not among `repos`; there are none"),
    ],
)
def test_one_fault_is_told_alone_and_once(tmp_path: Path, text: str, fault: str) -> None:
    file = written(tmp_path, text)
    with pytest.raises(ConfigurationInvalid) as told:
        configured(file)
    assert str(told.value) == f"the server's configuration cannot be used\n{file}:{fault}"


def test_a_file_that_is_not_there_is_no_policy_either(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationInvalid, match=r"the server's configuration cannot be used\n.*No such file"):
        configured(tmp_path / "nowhere.yaml")


def test_what_is_well_is_taken_and_an_address_may_be_given_instead(tmp_path: Path) -> None:
    file = written(tmp_path, GOOD)
    assert configured(file).listen == "127.0.0.1:8642"
    assert configured(file, "[::1]:80").listen == "[::1]:80"
    with pytest.raises(UsageError, match="'x' is no address to listen on"):
        configured(file, "x")
    with pytest.raises(UsageError, match="there is no token yet"):
        configured(file, "0.0.0.0:80")
