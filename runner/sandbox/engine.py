"""The connection to a Docker-compatible engine: one client for all threads, and its errors as sentences."""

from __future__ import annotations

import http.client
import os
import socket
import struct
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from http import HTTPStatus
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING, Any

from runner.errors import EngineUnavailable, ImageUnavailable, InfrastructureError

if TYPE_CHECKING:
    import docker

DEFAULT_SOCKET = "/var/run/docker.sock"
CALL_SECONDS = 120
"""How long one engine call may take; starting a container on a busy machine is slow."""
PING_SECONDS = 5.0
DEFAULT_STORAGE = "/var/lib/docker"
CONNECTIONS = 64


class Engine:
    """A lazily opened connection; safe for use by several threads."""

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        self._environment = dict(os.environ if environment is None else environment)
        self._opening = RLock()
        self._api: docker.APIClient | None = None
        self._info: Mapping[str, Any] | None = None

    @property
    def api(self) -> docker.APIClient:
        """The low-level client; raises EngineUnavailable."""
        with self._opening:
            self._api = self._api or self._connect()
            return self._api

    def _connect(self) -> docker.APIClient:
        try:
            _server_process(self.address)
        except OSError as problem:
            raise _unreachable("reach the container engine", self.address, problem) from problem
        import docker
        from docker.utils import kwargs_from_env

        with speaking("reach the container engine", self.address):
            settings = kwargs_from_env(environment=self._environment)
            return docker.APIClient(**settings, version="auto", timeout=CALL_SECONDS, max_pool_size=CONNECTIONS)

    @property
    def info(self) -> Mapping[str, Any]:
        """What the engine says of itself and its host; asked once. Raises EngineUnavailable."""
        with self._opening:
            if self._info is None:
                api = self.api
                with speaking("ask the container engine about itself", self.address):
                    self._info = dict(api.info())
            return self._info

    @property
    def address(self) -> str:
        """Where the engine is spoken to."""
        return self._environment.get("DOCKER_HOST") or f"unix://{DEFAULT_SOCKET}"

    @cached_property
    def shares_our_files(self) -> bool:
        """Whether the process behind the socket sees the same mounts as this one.

        False for an engine behind TCP or ssh, in another mount namespace, or outside of the container that runs us.
        """
        server = _peer(self.address)
        return server is not None and _mounts_of(server) == _mounts_of(os.getpid()) is not None

    @cached_property
    def on_this_host(self) -> bool:
        """Whether the engine is a process of this machine and of our process namespace."""
        return _peer(self.address) is not None

    def ping(self, patience: float = PING_SECONDS) -> float:
        """Seconds that the engine takes to say that it is there; raises EngineUnavailable when it has not within `patience`.

        Spoken to directly where that is possible: the docker library takes far longer to import than an engine to answer.
        """
        began = time.monotonic()
        if (wire := self._wire(patience)) is None:
            with speaking("ping the container engine", self.address):
                self.api.get(f"{self.api.base_url}/_ping", timeout=patience).raise_for_status()
            return time.monotonic() - began
        try:
            wire.request("GET", "/_ping")
            answer = wire.getresponse()
            answer.read(64)
        except (OSError, http.client.HTTPException) as problem:
            raise _unreachable("ping the container engine", self.address, problem) from problem
        finally:
            wire.close()
        if answer.status != HTTPStatus.OK:
            raise EngineUnavailable(f"Cannot ping the container engine: it answers {answer.status}.", hint="Is it still starting?")
        return time.monotonic() - began

    def _wire(self, patience: float) -> http.client.HTTPConnection | None:
        """A plain connection; `None` for an engine behind TLS or ssh."""
        kind, _, place = self.address.partition("://")
        if kind == "unix":
            return _Local(place, patience)
        host, _, port = place.partition(":")
        if kind in ("tcp", "http") and host and port.isdigit() and not self._environment.get("DOCKER_TLS_VERIFY"):
            return http.client.HTTPConnection(host, int(port), timeout=patience)
        return None

    @property
    def storage(self) -> Path | None:
        """Where an engine of this machine keeps its data; until it has said so, where Docker does by default. `None` when out of sight."""
        if not self.shares_our_files:
            return None
        found = Path(str((self._info or {}).get("DockerRootDir") or DEFAULT_STORAGE))
        try:
            return found if found.is_dir() else None
        except OSError:
            return None

    def has_option(self, word: str) -> bool:
        """Whether the engine's security options name `word`, e.g. `rootless`, `userns`, `selinux`."""
        return any(word in option for option in self.info.get("SecurityOptions") or ())

    def close(self) -> None:
        """Drop the connections, if any were made."""
        if self._api is not None:
            self._api.close()


class _Local(http.client.HTTPConnection):
    """HTTP over a socket of this machine."""

    def __init__(self, path: str, patience: float) -> None:
        super().__init__("localhost", timeout=patience)
        self._path = path

    def connect(self) -> None:
        """Open the socket; raises OSError."""
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


@contextmanager
def opened(engine: Engine | None) -> Iterator[Engine]:
    """The engine given, or a connection of our own that is closed again."""
    if engine is not None:
        yield engine
        return
    own = Engine()
    try:
        yield own
    finally:
        own.close()


def _server_process(address: str) -> int | None:
    """The process behind a local socket, `None` when it is elsewhere or not ours to see; raises OSError."""
    if not address.startswith("unix://"):
        return None
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(5)
        probe.connect(address.removeprefix("unix://"))
        found = probe.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    process: int = struct.unpack("3i", found)[0]
    return process or None


def _peer(address: str) -> int | None:
    try:
        return _server_process(address)
    except OSError:
        return None


def _mounts_of(process: int) -> str | None:
    try:
        return os.fspath(Path(f"/proc/{process}/ns/mnt").readlink())
    except OSError:
        return None


@contextmanager
def speaking(task: str, address: str = "") -> Iterator[None]:
    """Turn whatever the docker library raises into EngineUnavailable, ImageUnavailable or InfrastructureError."""
    import docker.errors
    import requests.exceptions

    try:
        yield
    except docker.errors.ImageNotFound as problem:
        raise ImageUnavailable(f"Cannot {task}: {_reason(problem)}", hint="Build or load the image first.") from problem
    except docker.errors.APIError as problem:
        raise _refused(task, problem) from problem
    except (docker.errors.DockerException, requests.exceptions.RequestException, OSError) as problem:
        raise _unreachable(task, address, problem) from problem


def _refused(task: str, problem: docker.errors.APIError) -> InfrastructureError:
    reason = _reason(problem)
    if problem.status_code == HTTPStatus.NOT_FOUND and "no such image" in reason.lower():
        return ImageUnavailable(f"Cannot {task}: {reason}", hint="Build or load the image first.")
    return InfrastructureError(f"Cannot {task}: {reason}", hint="`seatrial doctor` checks the engine.")


def _reason(problem: docker.errors.APIError) -> str:
    return str(problem.explanation or problem).strip().rstrip(".") + "."


def _unreachable(task: str, address: str, problem: BaseException) -> EngineUnavailable:
    where = address or "the container engine"
    path = Path(address.removeprefix("unix://") if address.startswith("unix://") else DEFAULT_SOCKET)
    chain = list(_causes(problem))
    if any(isinstance(cause, PermissionError) for cause in chain) or "Permission denied" in str(problem):
        hint = f"Add this user to the group that owns {path} (`sudo usermod -aG docker $USER`, then log in again)."
        return EngineUnavailable(f"Cannot {task}: permission denied on {where}.", hint=hint)
    if any(isinstance(cause, FileNotFoundError) for cause in chain) or "No such file" in str(problem):
        hint = "Install and start Docker (Debian, Ubuntu: `sudo apt-get install docker.io`), or point DOCKER_HOST at an engine."
        return EngineUnavailable(f"Cannot {task}: there is no {where}.", hint=hint)
    last = str(chain[-1]) or type(chain[-1]).__name__
    return EngineUnavailable(f"Cannot {task}: {where} does not answer ({last}).", hint="Is the engine running? `docker info` shows it.")


def _causes(problem: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while problem is not None and id(problem) not in seen:
        seen.add(id(problem))
        yield problem
        inner = next((argument for argument in problem.args if isinstance(argument, BaseException)), None)
        problem = problem.__cause__ or inner or problem.__context__
