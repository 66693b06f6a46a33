import json

import pytest

from runner.sandbox.streams import LONGEST_RECORD, Conversation, Log, Report


def _records(*chunks):
    found = []
    report = Report(found.append)
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


def _said(*records):
    suite = []
    conversation = Conversation(suite.append)
    for record in records:
        conversation.take(record)
    return conversation, suite


LAUNCH, TEST, EXIT = {"k": "launch", "facts": {}}, {"k": "t"}, {"k": "exit", "status": 0}
FILE = {"k": "file", "data": "aGk="}


def test_the_launcher_s_records_count_in_their_places():
    conversation, suite = _said(LAUNCH, TEST, FILE, EXIT)
    assert (conversation.launch, conversation.end, conversation.file, suite) == (LAUNCH, EXIT, b"hi", [TEST])


@pytest.mark.parametrize("records", [(TEST, LAUNCH), (EXIT, LAUNCH)])
def test_a_launch_record_that_is_not_the_first_does_not_count(records):
    assert _said(*records)[0].launch is None


@pytest.mark.parametrize("records", [(LAUNCH, EXIT, TEST), (LAUNCH, EXIT, FILE), (LAUNCH,), (LAUNCH, FILE)])
def test_an_exit_record_that_is_not_the_last_does_not_count(records):
    conversation, _ = _said(*records)
    assert (conversation.end, conversation.file) == (None, None)


def test_files_before_the_suite_s_last_record_do_not_count():
    assert _said(LAUNCH, {"k": "file", "data": "eHg="}, TEST, FILE, EXIT)[0].file == b"hi"
    assert _said(LAUNCH, {"k": "file", "data": "eHg="}, EXIT, FILE, EXIT)[0].file == b"hi"
    assert _said(LAUNCH, {"k": "file", "data": "a"}, EXIT)[0].file is None


OVER = {"k": "over"}
ERRANDS = {"k": "errands", "done": [{"status": 0, "seconds": 0.5, "told": "aGk="}, {"status": None, "seconds": 2, "told": ""}]}


def test_the_errands_are_told_once_before_the_end():
    conversation, suite = _said(LAUNCH, TEST, FILE, OVER, ERRANDS, EXIT)
    assert [(done.status, done.seconds, done.told) for done in conversation.errands] == [(0, 0.5, "hi"), (None, 2.0, "")]
    assert (conversation.file, conversation.strange, suite) == (b"hi", 0, [TEST])


@pytest.mark.parametrize(
    "records",
    [
        (LAUNCH, EXIT),
        (LAUNCH, ERRANDS),
        (LAUNCH, EXIT, ERRANDS),
        (LAUNCH, ERRANDS, TEST, ERRANDS, EXIT),
        (LAUNCH, {"k": "errands"}, EXIT),
        (LAUNCH, {"k": "errands", "done": [1]}, EXIT),
        (LAUNCH, {"k": "errands", "done": [{"status": "0", "seconds": [], "told": "aGk="}]}, EXIT),
        (LAUNCH, {"k": "errands", "done": [{"status": 0, "seconds": 1, "told": "a"}]}, EXIT),
    ],
)
def test_errands_that_are_missing_malformed_or_told_twice_do_not_count(records):
    conversation, _ = _said(*records)
    assert conversation.errands is None
    assert conversation.strange == (records.count(ERRANDS) > 1)


@pytest.mark.parametrize("late", [TEST, FILE, OVER, {"k": "launch"}])
def test_what_is_written_when_the_suite_is_over_is_not_the_suites(late):
    conversation, suite = _said(LAUNCH, TEST, FILE, OVER, late, EXIT, ERRANDS, EXIT)
    assert (suite, conversation.file, conversation.strange > 0) == ([TEST], b"hi", late["k"] != "launch")
    assert conversation.errands is not None


def test_a_suite_that_says_early_that_it_is_over_is_not_heard_any_more():
    conversation, suite = _said(LAUNCH, OVER, TEST, OVER, ERRANDS, EXIT)
    assert (suite, conversation.strange) == ([], 2)
