"""What a person can do when the base's own tests lack something."""

import pytest

from runner.trial.mend import mend


@pytest.mark.parametrize(
    ("text", "clause"),
    [
        (
            "E   ModuleNotFoundError: No module named 'freezegun.api'",
            "cannot import freezegun.api: add what brings it under sandbox.build.packages",
        ),
        ("ModuleNotFoundError: No module named 'common'", "sandbox.env: {PYTHONPATH: /work/FOLDER}"),
        ("E       fixture 'mocker' not found", "the fixture mocker"),
        ("error: unrecognized arguments: --benchmark-skip", "the option --benchmark-skip"),
        ("locale.Error: unsupported locale setting", "locales-all under sandbox.build.apt"),
        ("FileNotFoundError: [Errno 2] No such file or directory: 'git'", "start git"),
        ("socket.gaierror: [Errno -3] Temporary failure in name resolution", "has no network"),
        ("assert 1 == 2", ""),
    ],
)
def test_a_known_cause_names_the_key_that_mends_it(text, clause):
    found = mend(["nothing of note", text])
    assert clause in found
    assert bool(found) == bool(clause)
