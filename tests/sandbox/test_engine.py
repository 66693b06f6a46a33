import ast
import json
from importlib import resources

import pytest

from runner.errors import EngineUnavailable
from runner.sandbox import seccomp
from runner.sandbox.engine import Engine


@pytest.mark.parametrize(
    ("address", "said", "hint"),
    [
        ("unix:///not/there.sock", "there is no unix:///not/there.sock", "docker.io"),
        ("tcp://127.0.0.1:1", "does not answer", "Is the engine running"),
        ("nonsense://x", "does not answer", "Is the engine running"),
    ],
)
def test_an_engine_that_cannot_be_reached_says_why_and_what_to_do(address, said, hint):
    with pytest.raises(EngineUnavailable) as caught:
        Engine({"DOCKER_HOST": address}).info  # noqa: B018 - asks
    assert said in str(caught.value)
    assert hint in caught.value.hint


def test_a_socket_that_may_not_be_used_names_the_group(monkeypatch):
    import socket

    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    with pytest.raises(EngineUnavailable) as caught:
        Engine({}).info  # noqa: B018 - asks
    assert "permission denied" in str(caught.value)
    assert "usermod -aG docker" in caught.value.hint


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:2375", "ssh://somewhere", "unix:///not/there.sock"])
def test_an_engine_elsewhere_does_not_share_our_files(address):
    engine = Engine({"DOCKER_HOST": address})
    assert (engine.shares_our_files, engine.on_this_host) == (False, False)


def test_no_call_is_both_allowed_and_refused():
    calls = json.loads(seccomp.profile())["syscalls"]
    plain = [name for rule in calls if not rule.get("args") for name in rule["names"]]
    assert len(plain) == len(set(plain))
    assert {"clone", "clone3", "socket", "mknod", "personality"}.isdisjoint(calls[0]["names"])


def test_the_launcher_is_written_for_python_3_8():
    source = resources.files("runner.sandbox.inside").joinpath("launch.py").read_text()
    ast.parse(source, feature_version=(3, 8))
