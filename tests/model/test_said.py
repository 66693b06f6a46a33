"""What a person types, and how what somebody said is shown."""

from runner.model.said import Said, sentence, typed


def test_the_commands_name_the_run_and_the_server() -> None:
    assert typed("ab12", ("approve", "rollback", "of-a-newer-server"), " --server x") == (
        'seatrial run approve ab12 --reason "..." --server x',
        'seatrial rollback ab12 --reason "..." --server x',
    )


def test_what_somebody_said_is_one_harmless_line() -> None:
    said = sentence(Said(verb="deny", who="a\x1b[2Jnn", reason="no\u202e\n::error::" + "x" * 999, at="2026-11-30T12:00:00Z"))
    assert said.startswith("deny by a\\x1b[2Jnn at 2026-11-30T12:00:00Z: no\\u202e\\n")
    assert said.isprintable()
    assert len(said) < 700
