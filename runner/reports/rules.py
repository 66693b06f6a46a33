"""What each check asks and what to do about its findings: the help texts of rules."""

from typing import Final, NamedTuple


class About(NamedTuple):
    """What a check asks, and what to do when it does not pass."""

    asks: str
    mend: str


_GENERAL: Final = About("A check of Seatrial", "Read the message; `seatrial run show` has the whole report.")
_CHECKS: Final = {
    "intake": About(
        "Whether the change can be read, applies exactly and keeps to its size limits",
        "Rebase the change onto its base, split it, or write names and modes that every system can hold.",
    ),
    "paths": About(
        "Whether the change touches paths that the policy or Seatrial protects",
        "Leave these paths out, or have a person approve them.",
    ),
    "syntax": About("Whether the changed files can be parsed", "Mend the syntax error at this place."),
    "static": About(
        "Whether added lines hold errors or dangerous patterns that the base does not have",
        "Write it without the pattern, or explain it to a person.",
    ),
    "supply": About(
        "Whether the change brings secrets, or new, changed or look-alike dependencies",
        "Remove the secret and revoke it; have a person look at dependencies.",
    ),
    "load": About(
        "Whether the changed modules import and the suite still collects",
        "Mend the import, and bring back tests that are no longer collected.",
    ),
    "base": About(
        "Whether the suite of the base can serve as a measure", "Mend these tests on the base: they prove nothing about the change."
    ),
    "tests": About(
        "Whether every test that held on the base still holds", "Mend the change, not the test: the base's own version of the test decides."
    ),
    "inventory": About(
        "Whether every test of the base gave an explicit result", "Bring the test back; a test that is gone or newly skipped is not passed."
    ),
    "channels": About(
        "Whether exit status, session end, totals and records tell one story", "Find what ends the suite early or prints in its place."
    ),
    "origin": About(
        "Whether the tests ran the change's own code", "Make sure that the suite imports the working copy, not an installed package."
    ),
    "own-tests": About("Whether the change's own tests are green and complete", "Mend the change's tests, or say why tests are removed."),
    "tripwires": About(
        "Whether added code could tell a test from real use, or waits for a time, a count or a chance",
        "Behave the same at every call and place, or have a person look at it.",
    ),
    "probe": About(
        "Whether changed functions give elsewhere, without any test runner, what they give on the base",
        "Explain the difference to a person, or leave the behaviour as it is.",
    ),
    "docstrings": About(
        "Whether the examples in docstrings of the base still give what they say",
        "Mend the change, or have a person approve the new example.",
    ),
    "twins": About(
        "Whether tests with wrong expectations are red, as they are on the base", "Results were forged: find what the change does to tests."
    ),
    "dead-body": About(
        "Whether tests are red when the changed functions that they run do nothing but raise",
        "See why these tests no longer notice what they ran on the base.",
    ),
    "revert": About(
        "Whether the change's new tests fail without the rest of it",
        "Have the new tests show what the change does, or leave them as they are.",
    ),
    "coverage": About("Whether tests of the base run the changed lines", "Add tests that run these lines, or have a person look at them."),
    "mutants": About("Whether tests of the base notice when a changed line is broken", "Add a test that notices, or have a person look."),
    "controls": About("Which controls against forged results ran", "See docs/threat-model.md for what each of them proves."),
    "examples": About("Whether files that hold both tests and source were edited", "Let a person compare the examples before and after."),
}


def about(check: str) -> About:
    """The help text of a check, by its name or by the part before the first dot or colon."""
    return _CHECKS.get(check) or _CHECKS.get(check.partition(":")[0].partition(".")[0], _GENERAL)
