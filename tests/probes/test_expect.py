"""What a JSON answer must say, by values and by hostile documents."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.probes.expect import Absent, bound, expectation, number, parsed, place, shown

DOCUMENT = {"status": "ok", "ratio": 0.04, "a b": [{"deep": True}, 1], "n": None, "one": 1}


@pytest.mark.parametrize(
    ("path", "value"),
    [("$", DOCUMENT), ("$.status", "ok"), ('$["a b"][0].deep', True), ("$['a b']", ...), ("$.n", None), ('$["a b"][1]', 1)],
)
def test_a_path_leads_to_its_value(path: str, value: object) -> None:
    if value is ...:
        with pytest.raises(ValueError, match="not a path"):
            place(path)
    else:
        assert place(path).of(DOCUMENT) == value


@pytest.mark.parametrize("path", ["status", "$.", "$..a", "$.a.", "$[", "$[-1]", "$[a]", '$["a]', "$.a b", "$" + ".a" * 200])
def test_what_is_no_path_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match="not a path"):
        place(path)


@pytest.mark.parametrize("path", ["$.missing", "$.status.x", "$.status[0]", '$["a b"][9]', '$["a b"].x', "$[0]"])
def test_what_the_answer_does_not_have_is_absent(path: str) -> None:
    with pytest.raises(Absent, match="has no"):
        place(path).of(DOCUMENT)


@pytest.mark.parametrize(
    ("text", "met"),
    [
        ('$.status == "ok"', True),
        ('$.status=="ok"', True),
        ('$.status != "ok"', False),
        ("$.ratio < 0.05", True),
        ("$.ratio >= 0.05", False),
        ("$.one == 1.0", True),
        ("$.one == true", False),
        ('$["a b"][0].deep == true', True),
        ("$.n == null", True),
        ('$.status == "a == b"', False),
    ],
)
def test_a_comparison_is_met_or_not(text: str, met: bool) -> None:
    wanted = expectation(text)
    assert wanted.met(wanted.place.of(DOCUMENT)) is met


@pytest.mark.parametrize("text", ["$.a == ok", '$.a < "x"', "$.a < true", "$.a ==", "== 1", "$.a == NaN"])
def test_what_compares_nothing_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        expectation(text)


def test_a_bare_path_compares_nothing_yet() -> None:
    assert expectation(" $.ratio ").sign == ""


def test_a_text_is_never_less_than_a_number() -> None:
    with pytest.raises(Absent, match="no number"):
        expectation("$.status < 1").met("0")


@pytest.mark.parametrize(
    ("text", "value", "met"), [(">0.05", 0.06, True), (">5%", 0.06, True), ("<2%", 0.02, False), ("<=2%", 0.02, True), (">-1", 0, True)]
)
def test_a_threshold_is_met_or_not(text: str, value: float, met: bool) -> None:
    assert bound(text).met(value) is met


@pytest.mark.parametrize("text", ["0.05", "> ", ">5 %%", "=5", ">1e9", ">nan"])
def test_what_is_no_threshold_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a comparison with a number"):
        bound(text)


@pytest.mark.parametrize("body", [b"", b"{", b"NaN", b'{"a": Infinity}', b"\xff\xfe\x00", b"[" * 100_000, b"1" * 10_000, b'"\x1b[2J'])
def test_a_hostile_body_is_no_json(body: bytes) -> None:
    with pytest.raises(Absent) as refused:
        parsed(body)
    assert str(refused.value).isprintable()


@pytest.mark.parametrize("value", [True, "1", None, [], float("nan"), float("inf"), 10**400])
def test_only_finite_numbers_are_numbers(value: object) -> None:
    with pytest.raises(Absent):
        number(value, "x")


@given(st.recursive(st.none() | st.booleans() | st.floats() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
def test_every_value_can_be_shown(value: object) -> None:
    assert shown(value).isprintable()
