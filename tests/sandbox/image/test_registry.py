"""The registry is asked shortly and seldom."""

import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest

from runner.sandbox.image import registry
from runner.sandbox.image.registry import registry_has


class Engine:
    """Answers every request on a Unix socket with one status, after a while; counts the requests."""

    def __init__(self, folder: Path) -> None:
        self.status, self.seconds, self.asked = "200 OK", 0.0, []
        self._line = socket.socket(socket.AF_UNIX)
        self._line.bind(str(folder / "s"))
        self._line.listen()
        self.api = docker.APIClient(base_url=f"unix://{folder / 's'}", version="1.41")
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                caller, _ = self._line.accept()
            except OSError:
                return
            with caller:
                self.asked.append(caller.recv(4000).decode().split()[1])
                time.sleep(self.seconds)
                try:
                    caller.sendall(f"HTTP/1.1 {self.status}\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{{}}".encode())
                except OSError:
                    continue

    def close(self) -> None:
        self.api.close()
        self._line.shutdown(socket.SHUT_RDWR)
        self._line.close()


@pytest.fixture
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    made = Engine(tmp_path_factory.mktemp("e"))
    yield made
    made.close()


def test_an_answer_is_remembered_for_ten_minutes_per_image(engine: Engine, tmp_path: Path) -> None:
    memory = tmp_path / "cache" / "registry.json"
    assert registry_has(engine.api, "python:3.11-slim", memory, now=1000)
    engine.status = "500 Internal Server Error"
    assert registry_has(engine.api, "python:3.11-slim", memory, now=1599)
    assert not registry_has(engine.api, "other:1", memory, now=1599)
    assert not registry_has(engine.api, "python:3.11-slim", memory, now=1600)
    assert [path.partition("/distribution/")[2] for path in engine.asked] == [
        "python:3.11-slim/json",
        "other:1/json",
        "python:3.11-slim/json",
    ]


def test_a_clock_that_went_back_and_a_broken_memory_only_cost_another_question(engine: Engine, tmp_path: Path) -> None:
    memory = tmp_path / "registry.json"
    registry_has(engine.api, "a:1", memory, now=1000)
    assert registry_has(engine.api, "a:1", memory, now=10)
    for content in ("", "[]", '{"a:1": 3}', '{"a:1": ["x", true]}'):
        memory.write_text(content)
        assert registry_has(engine.api, "a:1", memory, now=20)
    assert len(engine.asked) == 6


def test_a_firewall_that_swallows_everything_costs_its_time_limit_once(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "PROBE_SECONDS", 0.2)
    engine.seconds = 1.5
    began = time.monotonic()
    answers = [registry_has(engine.api, "a:1", tmp_path / "m", now=at) for at in (1, 2, 3)]
    assert (answers, time.monotonic() - began < 1.2) == ([False] * 3, True)


def test_a_reference_that_is_none_is_simply_not_there(engine: Engine, tmp_path: Path) -> None:
    assert not registry_has(engine.api, "-bad-.example/x", tmp_path / "m")
    assert engine.asked == []
