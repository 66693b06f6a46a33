"""Promotions that are watched by real probes of a real service."""

import json
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from runner.wiring.demo import promote
from testing.landing import GOOD, Landing
from testing.whole import Quiet

pytestmark = [pytest.mark.docker, pytest.mark.usefixtures("uncontrolled")]


class Service:
    """Answers over HTTP as the test says."""

    def __init__(self, answer: Callable[[], tuple[int, Any]]) -> None:
        self.asked = 0
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                service.asked += 1
                status, body = answer()
                said = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(said)))
                self.end_headers()
                self.wfile.write(said)

            def log_message(self, *_: object) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/health"
        Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def serving() -> Iterator[Callable[..., Service]]:
    made: list[Service] = []

    def serve(answer: Callable[[], tuple[int, Any]]) -> Service:
        made.append(Service(answer))
        return made[-1]

    yield serve
    for service in made:
        service.close()


def monitor(*probes: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"probes": [{"interval": "20ms", **probe} for probe in probes], "confirm_after": "500ms", "deadline": "60s", **more}


def test_only_answers_of_the_promoted_tree_confirm_it(landing: Landing, serving: Callable[..., Service], tmp_path: Path) -> None:
    tree = tmp_path / "tree.diff"
    service = serving(lambda: (200, {"tree": tree.read_text().strip() if tree.exists() else "old"}))
    landing.policy(
        promote={"after": {"command": ["sh", "-c", f'echo "$SEATRIAL_TREE" > {tree}']}},
        monitor=monitor({"http": service.url, "tree": "$.tree"}),
    )
    done = landing.submit(GOOD, landing.dir)
    assert (done.code, tree.read_text().strip()) == (0, done.report["change"]["tree"]), done


def test_a_service_that_goes_on_with_its_old_code_is_not_what_was_promoted(landing: Landing, serving: Callable[..., Service]) -> None:
    service = serving(lambda: (200, {"tree": "old"}))
    landing.policy(monitor=monitor({"http": service.url, "tree": "$.tree", "tree_within": "1s"}))
    done = landing.submit(GOOD, landing.dir)
    assert (done.code, landing.tree("dir")) == (5, landing.base), done
    assert service.asked > 3


def test_a_probe_that_never_answers_is_never_taken_for_well(landing: Landing, serving: Callable[..., Service]) -> None:
    service = serving(lambda: (time.sleep(3), (200, {}))[1])
    landing.policy(
        monitor=monitor({"http": service.url, "timeout": "200ms"}, {"command": ["sleep", "600"], "timeout": "200ms"}, deadline="4s")
    )
    done = landing.submit(GOOD, landing.dir)
    assert (done.code, done.report["ending"], landing.tree("dir")) == (5, "rolled_back", landing.base), done


def test_a_probe_that_has_no_data_confirms_nothing(landing: Landing) -> None:
    landing.policy(monitor=monitor({"command": ["/no/such/program"], "name": "none"}, deadline="3s"))
    done = landing.submit(GOOD, landing.dir)
    assert (done.code, done.result("probe:none")["outcome"], landing.tree("dir")) == (5, "unknown", landing.base), done
    assert "undecided" in done.report["reason"] or "deadline" in done.report["reason"]


def test_a_service_that_becomes_slower_than_it_was_is_taken_back(landing: Landing, serving: Callable[..., Service]) -> None:
    slow = landing.folder / "slow.diff"

    def answer() -> tuple[int, Any]:
        time.sleep(0.4 if slow.exists() else 0.01)  # far beyond what a busy machine adds
        return 200, {}

    service = serving(answer)
    latency = {"max_regression": "100%", "min_samples": 10}
    landing.policy(
        promote={"after": {"command": ["touch", str(slow)]}},
        rollback={"after": {"command": ["rm", "-f", str(slow)]}},
        monitor=monitor({"http": service.url, "name": "speed"}, advanced={"latency": latency}),
    )
    done = landing.submit(GOOD, landing.dir)
    assert (done.code, landing.tree("dir")) == (5, landing.base), done
    assert "slower" in done.report["reason"]
    landing.policy(monitor=monitor({"http": service.url, "name": "speed"}, advanced={"latency": latency}))
    again = landing.submit(landing.change({"NOTES.md": "as quick as before\n"}), landing.dir)
    assert again.code == 0, again


def test_the_suite_and_the_host_can_be_asked_once_more(landing: Landing) -> None:
    landing.policy(monitor=monitor({"suite": True, "timeout": "60s"}, {"host": True, "timeout": "10s"}, deadline="120s"))
    done = landing.submit(GOOD, landing.dir)
    assert (done.code, done.result("probe:suite")["outcome"], done.result("probe:host")["outcome"]) == (0, "pass", "pass"), done


def test_a_service_with_a_client_and_a_database_of_its_own_survives_a_good_and_a_bad_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The demonstration, which `seatrial demo` prints; with a record of its own, where no other test has opened a breaker."""
    for name in ("STATE", "CACHE", "CONFIG"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / name.lower()))
    good, bad = promote(Quiet())
    decisions = (good.run.decision, bad.run.decision)
    assert [decision and decision.ending for decision in decisions] == ["confirmed", "rolled_back"], decisions
    assert (good.kept >= good.accepted, bad.kept >= bad.accepted) == (True, True), "the service lost what it had said was written down"
    assert bad.accepted > good.accepted > 0
    assert bad.run.promotion is not None
    assert bad.run.promotion.detection is not None
    assert bad.run.promotion.recovery is not None
