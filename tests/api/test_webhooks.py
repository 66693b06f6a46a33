"""Events by webhook: nothing lost, nothing twice at once, signed, tried again, and to no place that must not be reached."""

import hmac
import json
import threading
import time
from base64 import b64decode, b64encode
from collections import Counter
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from runner.errors import UsageError
from runner.store.database import Database
from runner.store.deliveries import DELAYS, LEASE, Claimed, Sent, SqlDeliveries
from runner.store.events import SqlEvents
from runner.store.places import claim
from runner.store.webhooks import OVERLAP, SqlWebhooks
from runner.wiring.delivering import Delivering, delivering, signatures
from testing.landing import until
from testing.receivers import Got, Receiver, Reply, receiving
from testing.served import Served, problem, serving

HERE = ("127.0.0.0/8",)


class Outbox:
    """A database with webhooks, and the way to make things happen in it."""

    def __init__(self, state: Path) -> None:
        self.state, self.database = claim(state), Database(state)
        self.hooks, self.deliveries, self.events = SqlWebhooks(state), SqlDeliveries(state), SqlEvents(state)

    def happen(self, kind: str, run: str = "abc", **body: Any) -> None:
        with self.database.writing() as transaction:
            transaction.tell(kind, run, body)

    def set(self, statement: str) -> None:
        with self.database.writing() as transaction:
            transaction.connection.exec_driver_sql(statement)

    def due(self) -> None:
        """Let all that waits for its next attempt be due."""
        self.set("UPDATE deliveries SET due = 0")
        self.set("UPDATE webhooks SET rests = 0")

    def states(self) -> Counter[str]:
        return Counter(one.state for hook in self.hooks.list() for one in self.deliveries.page(hook.id, 500))

    def attempt(self) -> Sent:
        """Send what is due first, once."""
        self.deliveries.spread()
        claimed = self.deliveries.claim(1)[0]
        sent = Delivering(self.deliveries, HERE).send(claimed)
        self.deliveries.settle(claimed, sent, jitter=0.5, go_on=False)
        return sent

    def close(self) -> None:
        for each in (self.hooks, self.deliveries, self.events, self.database):
            each.close()


@pytest.fixture
def outbox(tmp_path: Path) -> Iterator[Outbox]:
    made = Outbox(tmp_path / "state")
    yield made
    made.close()


def signed_by(secret: str, got: Got) -> bool:
    """Whether a request is signed with this secret, as whoever gets it would look."""
    key = b64decode(secret.removeprefix("whsec_"))
    signed = f"{got.headers['webhook-id']}.{got.headers['webhook-timestamp']}.".encode() + got.body
    return f"v1,{b64encode(hmac.new(key, signed, sha256).digest()).decode()}" in got.headers["webhook-signature"].split(" ")


# ── what is sent ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_signature_is_the_one_that_the_standard_gives_as_an_example() -> None:
    secret, identity, body = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", b'{"test": 2432232314}'
    assert signatures([secret], identity, 1614265330, body) == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_every_event_since_a_webhook_was_made_comes_once_and_in_order_and_says_what_the_event_says(outbox: Outbox) -> None:
    with receiving() as receiver:
        outbox.happen("run.queued", "earlier")
        _, secret = outbox.hooks.create(f"{receiver.url}/hook?key=1", (), by="anne")
        for number in range(30):
            outbox.happen("run.stage", f"run{number}", number=number)
        with delivering(outbox.deliveries, HERE):
            until(lambda: outbox.states() == {"delivered": 31}, 20)
        told = [json.loads(got.body) for got in receiver.got]
        expected = outbox.events.after(1, 100)
        assert [one["data"] for one in told] == [{"seq": e.seq, "run": e.run, "body": e.body} for e in expected]
        assert [one["type"] for one in told] == ["webhook.created", *["run.stage"] * 30]
        assert all(signed_by(secret, got) and got.path == "/hook?key=1" and got.method == "POST" for got in receiver.got)
        assert len({got.headers["webhook-id"] for got in receiver.got}) == 31
        assert all(abs(int(got.headers["webhook-timestamp"]) - time.time()) < 60 for got in receiver.got)


def test_only_the_kinds_that_were_asked_for_come(outbox: Outbox) -> None:
    with receiving() as receiver:
        outbox.hooks.create(receiver.url, ("run.*", "breaker.opened"), by="anne")
        for kind in ("run.began", "breaker.closed", "breaker.opened", "runner.odd"):
            outbox.happen(kind)
        outbox.attempt()
        outbox.attempt()
        assert [json.loads(got.body)["type"] for got in receiver.got] == ["run.began", "breaker.opened"]
        assert outbox.deliveries.claim(1) == ()


@pytest.mark.parametrize(("kinds", "told"), [(("run.*",), 0), (("run.doing",), 1)])
def test_that_a_stage_begins_is_posted_only_where_it_was_asked_for_by_name(outbox: Outbox, kinds: tuple[str, ...], told: int) -> None:
    outbox.hooks.create("https://hooks.example/", kinds, by="anne")
    outbox.happen("run.doing", stage="trial")
    outbox.deliveries.spread()
    assert len(outbox.deliveries.claim(9)) == told


def test_events_that_a_webhook_was_not_told_of_are_kept_however_old(outbox: Outbox) -> None:
    outbox.hooks.create("https://hooks.example/", (), by="anne")
    for number in range(3):
        outbox.happen("run.stage", f"run{number}")
    outbox.set("UPDATE events SET at = 1")
    outbox.events.prune()
    assert outbox.deliveries.spread() == 4
    outbox.events.prune()
    assert len(outbox.events.after(0, 10)) == 1


def test_a_body_that_nobody_would_take_is_left_out_and_the_event_is_told(outbox: Outbox) -> None:
    with receiving() as receiver:
        outbox.hooks.create(receiver.url, ("run.*",), by="anne")
        outbox.happen("run.ended", reason="x" * 200_000)
        assert outbox.attempt() == Sent(200)
        assert list(json.loads(receiver.got[0].body)["data"]["body"]) == ["left_out"]


# ── what fails ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_fails_is_tried_again_under_the_same_id_until_it_arrives(outbox: Outbox) -> None:
    with receiving(lambda _: Reply(500)) as receiver:
        outbox.hooks.create(receiver.url, ("run.*",), by="anne")
        outbox.happen("run.began")
        for _ in range(3):
            outbox.attempt()
            assert outbox.deliveries.claim(1) == ()
            outbox.due()
        assert outbox.hooks.list()[0].failing is not None
        receiver.answer = lambda _: Reply(204)
        outbox.attempt()
        assert (len({got.headers["webhook-id"] for got in receiver.got}), len({got.body for got in receiver.got})) == (1, 1)
        assert outbox.states() == {"delivered": 1}
        assert outbox.hooks.list()[0].failing is None


def test_what_fails_for_a_day_has_failed(outbox: Outbox) -> None:
    outbox.hooks.create("https://hooks.example/", ("run.*",), by="anne")
    outbox.happen("run.began")
    outbox.deliveries.spread()
    waits = []
    for _ in range(len(DELAYS) + 1):
        claimed = outbox.deliveries.claim(1)[0]
        outbox.deliveries.settle(claimed, Sent(503), jitter=0.0, go_on=True)
        [left] = outbox.deliveries.page(claimed.hook, 2)
        waits.append(left.due - time.time())
        outbox.due()
    assert (left.state, left.attempts, left.problem) == ("failed", len(DELAYS) + 1, "it answered 503")
    assert waits[:-1] == [pytest.approx(0.8 * delay, abs=5) for delay in DELAYS]
    assert 20 * 3600 < sum(DELAYS) < 28 * 3600


def test_who_answers_410_is_told_nothing_any_more(outbox: Outbox) -> None:
    with receiving(lambda _: Reply(410)) as receiver:
        outbox.hooks.create(receiver.url, ("run.*",), by="anne")
        for _ in range(3):
            outbox.happen("run.began")
        outbox.attempt()
        outbox.happen("run.ended")
        outbox.due()
        outbox.deliveries.spread()
        assert outbox.deliveries.claim(1) == ()
        assert outbox.states() == {"failed": 3}
        [hook] = outbox.hooks.list()
        assert hook.disabled is not None
        assert "410" in hook.reason
        with pytest.raises(UsageError, match="disabled"):
            outbox.deliveries.again(hook.id, outbox.deliveries.page(hook.id, 1)[0].id)


def test_a_webhook_at_which_nothing_arrives_for_days_is_disabled(outbox: Outbox) -> None:
    outbox.hooks.create("https://hooks.example/", ("run.*",), by="anne")
    outbox.happen("run.began")
    outbox.deliveries.spread()
    outbox.set(f"UPDATE webhooks SET failing = {time.time() - 4 * 86400}")
    outbox.deliveries.settle(outbox.deliveries.claim(1)[0], Sent(500), jitter=0.5, go_on=True)
    assert outbox.hooks.list()[0].disabled is not None
    assert outbox.states() == {"failed": 1}


def test_what_fails_at_one_webhook_does_not_keep_others_waiting(outbox: Outbox) -> None:
    with receiving(lambda _: Reply(500)) as bad, receiving() as good:
        outbox.hooks.create(bad.url, ("run.*",), by="anne")
        outbox.hooks.create(good.url, ("run.*",), by="anne")
        for _ in range(20):
            outbox.happen("run.began")
        with delivering(outbox.deliveries, HERE):
            until(lambda: len(good.got) == 20, 20)
        assert len(bad.got) <= 2  # it rests


def test_a_redirect_is_an_answer_that_is_not_followed(outbox: Outbox) -> None:
    with receiving() as inside, receiving(lambda _: Reply(307, headers=(("Location", inside.url),))) as receiver:
        outbox.hooks.create(receiver.url, ("run.*",), by="anne")
        outbox.happen("run.began")
        assert outbox.attempt() == Sent(307)
        assert inside.got == []
        assert outbox.states() == {"pending": 1}


# ── one at a time ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_two_servers_of_one_record_send_each_delivery_once_and_never_two_at_once(any_database: str, tmp_path: Path) -> None:
    going, most, lock = 0, 0, threading.Lock()

    def answer(_: Got) -> Reply:
        nonlocal going, most
        with lock:
            going += 1
            most = max(most, going)
        time.sleep(0.01)
        with lock:
            going -= 1
        return Reply()

    shared = any_database == "postgres"  # else it is the same folder
    boxes = [Outbox(tmp_path / f"state{number if shared else 0}") for number in range(2)]
    try:
        with receiving(answer) as receiver:
            boxes[0].hooks.create(receiver.url, ("run.*",), by="anne")
            with delivering(boxes[0].deliveries, HERE), delivering(boxes[1].deliveries, HERE):
                for number in range(60):
                    boxes[0].happen("run.stage", f"run{number}")
                until(lambda: boxes[0].states() == {"delivered": 60}, 30)
            assert Counter(got.headers["webhook-id"] for got in receiver.got).most_common(1)[0][1] == 1
            assert len(receiver.got) == 60
            assert most == 1
    finally:
        for box in boxes:
            box.close()


def test_what_a_dead_server_was_sending_is_sent_by_another_and_its_word_counts_no_more(outbox: Outbox) -> None:
    outbox.hooks.create("https://hooks.example/", ("run.*",), by="anne")
    outbox.happen("run.began")
    outbox.deliveries.spread()
    [dead] = outbox.deliveries.claim(1)
    assert outbox.deliveries.claim(1) == ()
    outbox.set(f"UPDATE webhooks SET lease = lease - {LEASE + 1}")
    [other] = outbox.deliveries.claim(1)
    assert (other.id, other.ticket != dead.ticket) == (dead.id, True)
    outbox.deliveries.settle(dead, Sent(410), jitter=0.5, go_on=True)
    assert outbox.hooks.list()[0].disabled is None
    outbox.deliveries.settle(other, Sent(200), jitter=0.5, go_on=True)
    assert outbox.states() == {"delivered": 1}


def test_who_was_frozen_since_its_claim_sends_nothing(outbox: Outbox) -> None:
    with receiving() as receiver:
        outbox.hooks.create(receiver.url, ("run.*",), by="anne")
        outbox.happen("run.began")
        outbox.deliveries.spread()
        [claimed] = outbox.deliveries.claim(1)
        Delivering(outbox.deliveries, HERE)._all(claimed, time.monotonic() - LEASE, threading.Event())
        assert receiver.got == []


# ── secrets ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_after_a_rotation_both_secrets_sign_for_a_day(outbox: Outbox) -> None:
    with receiving() as receiver:
        hook, first = outbox.hooks.create(receiver.url, ("run.*",), by="anne")
        second, _ = outbox.hooks.rotate(hook.id, by="anne")
        outbox.happen("run.began")
        outbox.attempt()
        outbox.set(f"UPDATE webhooks SET rotated = rotated - {OVERLAP + 1}")
        outbox.happen("run.ended")
        outbox.attempt()
        both, one = receiver.got
        assert (signed_by(first, both), signed_by(second, both)) == (True, True)
        assert (signed_by(first, one), signed_by(second, one)) == (False, True)
        assert first != second


# ── by HTTP ──────────────────────────────────────────────────────────────────────────────────────────────────────────

HOOKS = "/api/v1/webhooks"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("served"), webhooks={"allow": list(HERE)}) as made:
        yield made


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as made:
        yield made


def test_a_webhook_is_made_told_of_runs_and_asked_to_send_again_under_the_same_id(served: Served, receiver: Receiver) -> None:
    made = served.post(HOOKS, {"url": f"{receiver.url}/x", "kinds": ["run.*"]}, 201)
    hook, secret = made["webhook"]["id"], made["secret"]
    run = served.post("/api/v1/runs", {"command": "check", "repo": "app", "patch": "nonsense"}, 202)["run"]
    served.over(run)
    until(lambda: any(json.loads(got.body)["type"] == "run.ended" for got in receiver.got), 30)
    first = receiver.got[0]
    assert json.loads(first.body) | {"timestamp": ""} == {
        "type": "run.queued",
        "timestamp": "",
        "data": {"seq": json.loads(first.body)["data"]["seq"], "run": run, "body": {"author": "anne", **_rest(first)}},
    }
    before = len(receiver.got)
    again = served.post(f"{HOOKS}/{hook}/redeliver", {"delivery": first.headers["webhook-id"]}, 202)
    assert (again["state"], again["kind"]) == ("pending", "run.queued")
    until(lambda: len(receiver.got) > before, 20)
    second = receiver.got[-1]
    assert (second.headers["webhook-id"], second.body) == (first.headers["webhook-id"], first.body)
    assert signed_by(secret, first)
    assert signed_by(secret, second)
    listed = served.get(f"{HOOKS}/{hook}/deliveries?state=delivered&limit=1")
    assert (len(listed["deliveries"]), listed["next"] is not None) == (1, True)


def _rest(got: Got) -> dict[str, Any]:
    body = dict(json.loads(got.body)["data"]["body"])
    del body["author"]
    return body


def test_a_secret_is_shown_once(served: Served, receiver: Receiver) -> None:
    asked = {"url": receiver.url, "kinds": ["token.*"]}
    first = served.ask("POST", HOOKS, asked, key="the same")
    again = served.ask("POST", HOOKS, asked, key="the same")
    assert (first.status_code, again.status_code, again.json()["secret"]) == (201, 201, None)
    assert first.json()["webhook"] == again.json()["webhook"]
    secret, hook = first.json()["secret"], first.json()["webhook"]["id"]
    rotated = served.post(f"{HOOKS}/{hook}/rotate")
    assert rotated["secret"] not in (None, secret)
    assert rotated["earlier_until"]
    said = json.dumps([served.get(HOOKS), served.get("/api/v1/audit")]) + served.log.read_text()
    assert secret not in said
    assert rotated["secret"] not in said


def test_a_deleted_webhook_is_gone(served: Served, receiver: Receiver) -> None:
    hook = served.post(HOOKS, {"url": receiver.url}, 201)["webhook"]["id"]
    assert served.ask("DELETE", f"{HOOKS}/{hook}").status_code == 204
    assert problem(served.ask("DELETE", f"{HOOKS}/{hook}")) == (404, "webhook-unknown")
    assert hook not in json.dumps(served.get(HOOKS))


@pytest.mark.parametrize("url", ["https://10.0.0.1/", "http://hooks.example#x", "gopher://x/", "https://169.254.169.254/latest"])
def test_a_url_that_must_not_be_reached_is_refused(served: Served, url: str) -> None:
    assert problem(served.ask("POST", HOOKS, {"url": url})) == (422, "url-refused")


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", HOOKS, None),
        ("POST", HOOKS, {"url": "https://hooks.example/"}),
        ("DELETE", f"{HOOKS}/abc", None),
        ("POST", f"{HOOKS}/abc/rotate", None),
        ("POST", f"{HOOKS}/abc/redeliver", {"delivery": "msg_00"}),
        ("GET", f"{HOOKS}/abc/deliveries", None),
    ],
)
def test_webhooks_are_for_those_who_operate(served: Served, method: str, path: str, body: Any) -> None:
    other = served.token_for("read", "submit", "approve")
    assert problem(served.ask(method, path, body, token=other)) == (403, "scope-missing")


def test_a_token_that_is_bound_to_targets_tells_nobody_of_others(served: Served) -> None:
    bound = served.token_for("operate", targets=("app-main",))
    assert problem(served.ask("POST", HOOKS, {"url": "https://hooks.example/"}, token=bound)) == (403, "target-not-allowed")


def test_a_delivery_that_there_is_none_of_is_not_sent_again(served: Served, receiver: Receiver) -> None:
    hook = served.post(HOOKS, {"url": receiver.url, "kinds": ["breaker.*"]}, 201)["webhook"]["id"]
    assert served.ask("POST", f"{HOOKS}/{hook}/redeliver", {"delivery": "msg_0123"}).status_code == 409


def test_a_claim_says_nothing_of_its_secrets_when_it_is_printed() -> None:
    claimed = Claimed("t", "h", "https://hooks.example/", ("whsec_abc",), 1, "msg_1", "{}", 0)
    assert "whsec_abc" not in repr(claimed)
