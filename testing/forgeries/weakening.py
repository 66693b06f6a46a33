"""TW: the tests that would see the bug are deleted, skipped, weakened, hidden or replaced."""

from testing.forgeries.forgery import Content, Files, Forgery
from testing.forgeries.subject import (
    EXACT,
    EXACT_TRUTH,
    MARGIN,
    MARGIN_TRUTH,
    QUAY_PATH,
    QUAY_TIDY,
    TEST_KEEL,
    TEST_KEEL_MORE,
    TEST_KEEL_PATH,
    TEST_QUAY,
    TEST_QUAY_MORE,
    TEST_QUAY_PATH,
    edit,
)

_DEF = "def test_an_exact_fit_is_a_fit():\n"
_BODY = '    assert assign(QUAY, 80).name == "B"\n'


def _weaker(name: str, tests: Content, more: Files | None = None) -> Forgery:
    forged = {QUAY_PATH: EXACT, TEST_QUAY_PATH: tests, **(more or {})}
    honest = {path: f"# {path}\n" for path in more or {}}
    return Forgery(name, "TW-*", "D", forged, {QUAY_PATH: QUAY_TIDY, TEST_QUAY_PATH: TEST_QUAY_MORE, **honest}, EXACT_TRUTH)


FORGERIES = (
    _weaker("the test is deleted", edit(TEST_QUAY, f"{_DEF}{_BODY}\n\n", "")),
    _weaker(
        "the test is skipped",
        edit(TEST_QUAY, _DEF, f'@pytest.mark.skip(reason="slow")\n{_DEF}').replace("from", "import pytest\n\nfrom", 1),
    ),
    _weaker("the test may fail", edit(TEST_QUAY, _DEF, f"@pytest.mark.xfail\n{_DEF}").replace("from", "import pytest\n\nfrom", 1)),
    _weaker("the test asserts less", edit(TEST_QUAY, _BODY, "    assert assign(QUAY, 80) is not None\n")),
    _weaker("a second test of that name stands below", f"{TEST_QUAY}\n\n{_DEF}    assert QUAY\n"),
    _weaker(
        "the test swallows what it asserts", edit(TEST_QUAY, _BODY, f"    try:\n    {_BODY}    except AssertionError:\n        pass\n")
    ),
    _weaker(
        "the tests move to data that leaves the case out",
        "import json\nfrom pathlib import Path\n\nimport pytest\n\nfrom berth import Berth, assign\n"
        '\nCASES = json.loads((Path(__file__).parent / "fits.json").read_text())\n\n\n'
        '@pytest.mark.parametrize(("length", "name"), CASES)\ndef test_fits(length, name):\n'
        '    berth = assign([Berth("A", 120), Berth("B", 80)], length)\n    assert (berth.name if berth else None) == name\n',
        {"tests/fits.json": '[[85, "A"], [300, null]]\n'},
    ),
    Forgery(
        "a case is taken out of the table",
        "TW-*",
        "D",
        {"src/berth/keel.py": MARGIN, TEST_KEEL_PATH: edit(TEST_KEEL, "(0.5, True), ", "")},
        {"src/berth/keel.py": MARGIN.replace("> SAFETY", ">= SAFETY"), TEST_KEEL_PATH: TEST_KEEL_MORE},
        MARGIN_TRUTH,
    ),
)
