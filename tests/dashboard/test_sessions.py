"""Sessions end by themselves, and there are never too many."""

from runner.api.dashboard import sessions
from runner.api.dashboard.sessions import Sessions


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_session_is_found_by_its_own_name_alone() -> None:
    kept = Sessions(Clock())
    one, other = kept.begin("t1"), kept.begin("t1")
    assert kept.find(one.name, used=True) is one
    assert len({one.name, other.name, one.secret, other.secret}) == 4
    assert kept.find("", used=True) is None
    assert kept.find(one.secret, used=True) is None


def test_it_ends_after_an_hour_in_which_nobody_did_anything_whatever_pages_ask_by_themselves() -> None:
    clock = Clock()
    kept = Sessions(clock)
    session = kept.begin("t")
    clock.now += sessions.IDLE - 1
    assert kept.find(session.name, used=False) is session
    clock.now += 2
    assert kept.find(session.name, used=True) is None


def test_it_ends_after_eight_hours_whatever_was_done() -> None:
    clock = Clock()
    kept = Sessions(clock)
    session = kept.begin("t")
    for _ in range(15):
        clock.now += sessions.LONGEST / 16
        assert kept.find(session.name, used=True) is session
    clock.now += sessions.LONGEST / 16
    assert kept.find(session.name, used=True) is None


def test_beyond_the_most_the_one_that_was_used_longest_ago_ends() -> None:
    clock = Clock()
    kept = Sessions(clock)
    first, second = kept.begin("t"), kept.begin("t")
    clock.now += 1
    kept.find(first.name, used=True)
    for _ in range(sessions.MOST - 1):
        clock.now += 0.001
        kept.begin("t")
    assert kept.find(first.name, used=False) is first
    assert kept.find(second.name, used=False) is None


def test_of_many_pages_that_listen_those_that_came_last_go_on() -> None:
    session = Sessions(Clock()).begin("t")
    streams = [session.open_stream() for _ in range(sessions.STREAMS + 2)]
    assert [session.listens(one) for one in streams] == [False] * 2 + [True] * sessions.STREAMS
    session.close_stream(streams[-1])
    assert not session.listens(streams[-1])


def test_a_word_for_the_next_page_is_said_once() -> None:
    session = Sessions(Clock()).begin("t")
    session.say("no", failed=True)
    assert session.said() == ("no", True)
    assert session.said() is None
