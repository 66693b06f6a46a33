import json

import pytest

from runner.sandbox.streams import LONGEST_RECORD, Conversation, Line, Log, Report


def _records(*chunks):
    found = []
    report = Report(lambda line: found.append(line.record))
    for chunk in chunks:
        report.feed(chunk)
    return found, report


def test_a_log_keeps_head_and_tail_and_counts_the_rest():
    log = Log()
    for _ in range(1000):
        log.feed(b"m" * 1000)
    log.feed(b"the end")
    assert (log.size, log.truncated) == (1_000_007, True)
    assert log.text.startswith("mmm")
    assert log.text.endswith("mthe end")
    assert f"[... {1_000_007 - (64 + 256) * 1024} bytes left out ...]" in log.text


@pytest.mark.parametrize("size", [0, 1, 64 * 1024, 64 * 1024 + 1, 320 * 1024])
def test_a_log_that_fits_is_whole(size):
    log = Log()
    body = bytes(97 + at % 26 for at in range(size))
    for at in range(0, size, 7919):
        log.feed(body[at : at + 7919])
    assert (log.text.encode(), log.truncated) == (body, False)


def test_records_arrive_however_the_stream_is_cut():
    whole = b'{"k":"a","n":1}\n\n{"k":"b"}\n'
    for cut in range(len(whole)):
        assert _records(whole[:cut], whole[cut:])[0] == [{"k": "a", "n": 1}, {"k": "b"}]


@pytest.mark.parametrize(
    "line",
    [
        b"not json",
        b"[1]",
        b'"k"',
        b"{}",
        b'{"k":1}',
        b"[" * 100_000,
        b'{"k":"a","n":' + b"9" * 5000 + b"}",
        b"x" * (LONGEST_RECORD + 1),
        b"\xff\xfe",
    ],
)
def test_what_is_no_record_is_dropped_and_counted(line):
    found, report = _records(b'{"k":"before"}\n' + line + b'\n{"k":"after"}\n')
    assert found == [{"k": "before"}, {"k": "after"}]
    assert report.dropped == 1


def test_an_unfinished_line_is_no_record():
    assert _records(b'{"k":"a"}')[0] == []


def test_text_that_cannot_be_encoded_is_replaced():
    found, _ = _records(b'{"k":"a","text":"\\ud800 and \xff"}\n')
    json.dumps(found, ensure_ascii=False).encode()
    assert found[0]["text"].startswith("? and")


@pytest.mark.parametrize(
    ("line", "child"),
    [(b'{"k":"a"}', None), (b'0 {"k":"a"}', 0), (b'17 {"k":"a"}', 17), (b'0  {"k":"a"}', 0)],
)
def test_a_mark_says_which_child_wrote_a_line(line, child):
    found = []
    Report(found.append).feed(line + b"\n")
    assert found == [Line(child, {"k": "a"})]


@pytest.mark.parametrize(
    "line", [b'-1 {"k":"a"}', b'1.5 {"k":"a"}', b' {"k":"a"}x', b'99999999 {"k":"a"}', b'1 0 {"k":"a"}', "\u0664 {}".encode()]
)
def test_what_has_an_odd_mark_is_nobody_s_record(line):
    found = []
    report = Report(found.append)
    report.feed(line + b"\n")
    assert (found, report.dropped) == ([], 1)


def _said(*records):
    suite = []
    conversation = Conversation(lambda child, record: suite.append((child, record)))
    for record in records:
        conversation.take(record if isinstance(record, Line) else Line(None, record))
    return conversation, suite


LAUNCH, EXIT = {"k": "launch", "facts": {}}, {"k": "exit", "status": 0}
TEST = Line(0, {"k": "t"})
FILE = {"k": "file", "data": "aGk="}
OVER = {"k": "over"}
ERRANDS = (
    {"k": "errand", "status": 0, "seconds": 0.5, "told": "aGk="},
    {"k": "errand", "status": None, "seconds": 2, "told": ""},
)


def test_the_launcher_s_records_and_the_suite_s_are_told_apart():
    conversation, suite = _said(LAUNCH, TEST, FILE, OVER, *ERRANDS, EXIT)
    assert (conversation.launch, conversation.end, conversation.file, suite) == (LAUNCH, EXIT, b"hi", [tuple(TEST)])
    assert [(done.status, done.seconds, done.told) for done in conversation.errands] == [(0, 0.5, "hi"), (None, 2.0, "")]


@pytest.mark.parametrize("record", [LAUNCH, EXIT, FILE, OVER, *ERRANDS, {"k": "part end", "n": 0, "status": 0}, {"k": "refused"}])
def test_nothing_that_a_child_writes_is_the_launcher_s_word(record):
    conversation, suite = _said(Line(3, record))
    assert (conversation.launch, conversation.end, conversation.file, conversation.errands) == (None, None, None, None)
    assert (conversation.over, conversation.parts, conversation.refused) == (False, [], "")
    assert suite == [(3, record)]


def test_files_and_errands_of_a_launcher_that_did_not_live_to_its_end_do_not_count():
    conversation, _ = _said(LAUNCH, TEST, FILE, OVER, *ERRANDS)
    assert (conversation.file, conversation.errands, conversation.over) == (None, None, True)


def test_parts_end_in_order():
    ends = [{"k": "part end", "n": n, "status": n or None, "survivors": 0, "left": "", "seconds": 0.5} for n in range(3)]
    assert [part.status for part in _said(LAUNCH, *ends, EXIT)[0].parts] == [None, 1, 2]
