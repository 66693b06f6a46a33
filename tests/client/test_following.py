"""Waiting for a run of a server whose events come, stop, are gone, or never were."""

import json
from typing import Any

import pytest

from runner.client import following
from runner.client.client import Client
from runner.client.following import Following
from runner.client.problems import ServerUnavailable
from runner.errors import UsageError
from testing.clients import a_summary, answer

RUN = "ab12"
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"


def shown(state: str = "running", **given: Any) -> Any:
    return answer(
        {"summary": a_summary(**{"run": RUN, "state": state, "ending": None, "exit_code": None, "ended": None, **given}), "report": None}
    )


def event(seq: int, kind: str, **body: Any) -> bytes:
    data = json.dumps({"seq": seq, "at": "x", "kind": kind, "run": RUN, "body": body})
    return f"id: {seq}\nevent: {kind}\ndata: {data}\n\n".encode()


class Script:
    """Answers about the run in turn, and streams of events in turn; the last of each for ever."""

    def __init__(self, states: list[Any], streams: list[Any]) -> None:
        self.states, self.streams = states, streams
        self.listened: list[str] = []

    def __call__(self, asked: Any) -> Any:
        if not asked.path.startswith("/api/v1/events"):
            return self.states.pop(0) if len(self.states) > 1 else self.states[0]
        self.listened.append(asked.path.partition("?")[2])
        found = self.streams.pop(0) if len(self.streams) > 1 else self.streams[0]
        if isinstance(found, bytes):
            asked.write(HEAD + found)
            return None
        return found


@pytest.fixture
def followed(scripted: Any, client: Client, heard: Any, clock: Any) -> Any:
    def make(script: Script, after: int | None = 0) -> Following:
        scripted.script = script
        return Following(client, heard, after=after, sleep=clock.sleep, clock=clock)

    return make


def test_a_run_is_looked_at_when_its_events_say_that_it_is_over(followed: Any, heard: Any) -> None:
    stream = event(3, "run.began") + event(4, "run.stage", stage="preflight") + event(5, "run.stage", stage="trial") + event(6, "run.held")
    script = Script([shown("queued"), shown("held")], [stream])
    assert followed(script).wait(RUN).summary.state == "held"
    assert heard.said == ["queued", "begun", "preflight done", "trial done"]
    assert script.listened == [f"run={RUN}&after=0"]


def test_a_run_that_ended_before_its_events_were_listened_to_is_not_waited_for(followed: Any, clock: Any) -> None:
    script = Script([shown(), shown("ended", ending="cancelled")], [b": seatrial\n\n" + event(7, "run.stage", stage="trial")])
    assert followed(script, None).wait(RUN).summary.ending == "cancelled"
    assert script.listened == [f"run={RUN}"]
    assert not clock.waits


def test_a_stream_that_breaks_off_is_taken_up_where_it_ended(followed: Any, heard: Any, clock: Any) -> None:
    first = event(3, "run.stage", stage="preflight") + event(4, "run.stage", stage="trial")[:30]
    script = Script(
        [shown(), shown(), shown("ended", ending="confirmed")], [first, event(4, "run.stage", stage="trial") + event(9, "run.ended")]
    )
    assert followed(script).wait(RUN).summary.ending == "confirmed"
    assert heard.said == ["preflight done", "trial done"]
    assert script.listened == [f"run={RUN}&after=0", f"run={RUN}&after=3"]
    assert clock.waits


def test_a_token_or_a_server_without_events_is_asked_now_and_then(followed: Any, heard: Any, clock: Any) -> None:
    states = [shown(stage="preflight"), shown(stage="trial"), shown(stage="trial"), shown("ended")]
    script = Script(states, [answer({"code": "scope-missing", "detail": "x"}, 403)])
    followed(script).wait(RUN)
    assert len(script.listened) == 1
    assert heard.said == ["trial done"]
    assert len(clock.waits) >= 2


@pytest.mark.parametrize("stream", [b"", b": alive\n\n", b"data: {}\n\n", b"rubbish", answer({}), answer({}, 503), None])
def test_streams_that_say_nothing_are_given_up(followed: Any, stream: Any, clock: Any) -> None:
    script = Script([shown()] * 9 + [shown("ended")], [stream])
    followed(script).wait(RUN)
    assert len(script.listened) == 3
    assert all(wait > 0 for wait in clock.waits)


def test_events_that_are_gone_are_left_out(followed: Any, heard: Any) -> None:
    gone = answer({"code": "events-gone", "detail": "x", "oldest": 40}, 410)
    script = Script([shown(), shown(), shown("ended")], [gone, event(41, "run.stage", stage="trial") + event(42, "run.ended")])
    followed(script).wait(RUN)
    assert script.listened == [f"run={RUN}&after=0", f"run={RUN}&after=39"]
    assert heard.said == ["trial done"]


def test_a_server_that_always_says_gone_is_not_asked_for_ever(followed: Any, clock: Any) -> None:
    gone = answer({"code": "events-gone", "detail": "x", "oldest": 40}, 410)
    script = Script([shown()] * 20 + [shown("ended")], [gone])
    followed(script).wait(RUN)
    assert len(script.listened) <= 5


def test_a_server_that_restarts_is_waited_for(followed: Any, scripted: Any, heard: Any, clock: Any) -> None:
    script = Script([shown(), *[None] * 20, shown("ended")], [b""])
    assert followed(script).wait(RUN).summary.state == "ended"
    assert [said for said in heard.said if "trying again" in said]
    assert sum(clock.waits) < following.PATIENCE


def test_a_server_that_stays_away_is_given_up_with_a_hint(followed: Any, clock: Any) -> None:
    with pytest.raises(ServerUnavailable) as problem:
        followed(Script([shown(), None], [b""])).wait(RUN)
    assert problem.value.hint == f"seatrial run wait {RUN}"
    assert following.PATIENCE <= sum(clock.waits) < 2 * following.PATIENCE


def test_a_token_that_expires_meanwhile_ends_the_wait(followed: Any) -> None:
    with pytest.raises(UsageError, match="expired"):
        followed(Script([shown(), answer({"code": "token-expired", "detail": "this token is expired"}, 401)], [b""])).wait(RUN)


def test_a_run_that_joined_another_is_followed_there(followed: Any, scripted: Any, heard: Any) -> None:
    script = Script([shown("ended", ending="cancelled", joined="cd34"), shown("ended", run="cd34", ending="confirmed")], [b""])
    assert followed(script).wait(RUN).summary.run == "cd34"
    assert [asked.path for asked in scripted.asked] == [f"/api/v1/runs/{RUN}", "/api/v1/runs/cd34"]
    assert heard.said == ["the same is under way as run cd34"]


def test_runs_that_join_in_a_circle_end(followed: Any) -> None:
    script = Script([shown("ended", ending="cancelled", joined="cd34")], [b""])
    assert followed(script).wait(RUN).summary.joined == "cd34"


@pytest.mark.parametrize("stream", [b"", b": alive\n\n" * 3, None])
@pytest.mark.parametrize("seconds", [0.5, 10.0, 100.0])
def test_a_wait_ends_in_time(followed: Any, clock: Any, seconds: float, stream: Any) -> None:
    begun = clock.now
    with pytest.raises(TimeoutError):
        followed(Script([shown()], [stream])).wait(RUN, seconds)
    assert seconds <= clock.now - begun <= seconds + 6


def test_texts_of_events_are_no_more_than_texts(followed: Any, heard: Any) -> None:
    stream = event(1, "run.stage", stage=["a"]) + event(2, "run.stage") + event(2**70, "run.ended")
    followed(Script([shown(), shown("ended")], [stream])).wait(RUN)
    assert heard.said == ["['a'] done"]


def test_a_stage_is_told_when_it_begins_where_the_server_says_so(followed: Any, heard: Any) -> None:
    stream = event(3, "run.doing", stage="validate") + event(4, "run.stage", stage="validate") + event(5, "run.doing", stage="trial")
    stream += event(5, "run.began")
    script = Script([shown(), shown("ended", ending="accepted")], [stream + event(6, "run.stage", stage="trial") + event(7, "run.ended")])
    assert followed(script).wait(RUN).summary.ending == "accepted"
    assert heard.said == ["validate", "trial"]


def test_that_a_person_is_waited_for_is_said_once_with_what_to_type(followed: Any, heard: Any) -> None:
    waits = shown(waits="it is promoted \x1b", verbs=["confirm", "rollback", "odd"])
    streams = [event(3, "run.doing", stage="monitor"), event(9, "run.ended")]
    script = Script([shown(), waits, waits, shown("ended", ending="confirmed")], streams)
    assert followed(script).wait(RUN).summary.ending == "confirmed"
    told = f'seatrial confirm {RUN} --reason "..." or seatrial rollback {RUN} --reason "..."'
    assert heard.said == ["monitor", f"waits for a person: it is promoted \\x1b: {told}"]
