import ast
import json
import socket
import threading
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
    for name in ("force", "tree", "children", "parts", "launch"):
        source = resources.files("runner.sandbox.inside").joinpath(f"{name}.py").read_text()
        ast.parse(source, feature_version=(3, 8))


class Answering:
    """A socket of an engine that says `answer` to whoever connects, and then nothing."""

    def __init__(self, path, answer):
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.bind(str(path))
        self._socket.listen()
        self.address = f"unix://{path}"
        threading.Thread(target=self._serve, args=(answer,), daemon=True).start()

    def _serve(self, answer):
        while True:
            connection, _ = self._socket.accept()
            connection.sendall(answer)
            self.kept = connection


@pytest.mark.docker
def test_a_ping_tells_how_long_the_engine_takes():
    assert 0 < Engine().ping() < 5


def test_an_engine_that_answers_is_timed_without_the_docker_library(tmp_path):
    engine = Engine({"DOCKER_HOST": Answering(tmp_path / "s", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK").address})
    assert 0 < engine.ping() < 1
    assert engine._api is None


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.1 500 no\r\nContent-Length: 0\r\n\r\n",
        b"garbage\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"x" * 99_999,
    ],
)
def test_an_engine_that_accepts_and_says_nothing_sensible_does_not_answer(tmp_path, answer):
    engine = Engine({"DOCKER_HOST": Answering(tmp_path / "s", answer).address})
    with pytest.raises(EngineUnavailable):
        engine.ping(0.2)


@pytest.mark.parametrize("address", ["unix:///not/there.sock", "tcp://127.0.0.1:1", "nonsense://x", "tcp://", "ssh://127.0.0.1:1"])
def test_an_engine_that_is_not_there_does_not_answer(address):
    with pytest.raises(EngineUnavailable):
        Engine({"DOCKER_HOST": address}).ping(0.2)


@pytest.mark.docker
def test_the_data_of_an_engine_of_this_machine_is_seen():
    engine = Engine()
    if engine.shares_our_files:
        assert engine.storage is not None
    assert Engine({"DOCKER_HOST": "tcp://127.0.0.1:1"}).storage is None
