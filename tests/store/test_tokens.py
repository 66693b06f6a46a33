"""Tokens on real databases: what is kept of them, who is let in by them, and until when."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from runner.errors import UsageError
from runner.store.audit import AuditLog
from runner.store.database import Database
from runner.store.tokens import SqlTokens


@pytest.fixture
def tokens(tmp_path: Path, any_database: str) -> Iterator[SqlTokens]:
    made = SqlTokens(tmp_path / "state", patience=5)
    yield made
    made.close()


def test_a_token_is_found_by_the_whole_of_it_alone(tokens: SqlTokens) -> None:
    whole = tokens.create("ci", ("submit", "read", "read"), ("app",), 60, by="root")
    found = tokens.find(whole)
    assert found is not None
    token, wrong = found
    assert (token.name, token.scopes, token.targets, wrong) == ("ci", ("read", "submit"), ("app",), "")
    assert round(token.expires - token.created, 3) == 60
    head, _, secret = whole.rpartition("_")
    for other in (
        f"{head}_{secret[:-1]}",
        f"{head}_{secret}x",
        f"x{whole}",
        secret,
        head,
        "",
        "seatrial__",
        whole.upper(),
        f"{whole}\0",
        "a_b_c",
    ):
        assert tokens.find(other) is None, other


def test_two_tokens_are_not_one_another_s(tokens: SqlTokens) -> None:
    one, other = (tokens.create(name, ("read",), (), 60, by="root") for name in ("one", "other"))
    mixed = "_".join((*one.split("_", 2)[:2], other.split("_", 2)[2]))
    assert tokens.find(mixed) is None
    assert {token.name for token in tokens.list()} == {"one", "other"}


def test_what_is_revoked_or_expired_says_so(tokens: SqlTokens) -> None:
    expired, revoked = tokens.create("a", ("read",), (), -1, by="root"), tokens.create("b", ("read",), (), 60, by="root")
    identity = revoked.split("_")[1]
    assert tokens.revoke(identity, by="root").revoked is not None
    first = tokens.revoke(identity, by="root").revoked
    assert [found[1] for found in map(tokens.find, (expired, revoked)) if found] == ["expired", "revoked"]
    assert tokens.revoke(identity, by="root").revoked == first, "it was revoked once"
    with pytest.raises(UsageError):
        tokens.revoke("0" * 12, by="root")


def test_a_scope_that_there_is_none_of_is_refused(tokens: SqlTokens) -> None:
    with pytest.raises(UsageError, match="'root'"):
        tokens.create("ci", ("read", "root"), (), 60, by="root")
    assert tokens.list() == ()


def test_the_secret_is_in_no_row_and_the_audit_log_says_who_made_and_revoked_it(tokens: SqlTokens, tmp_path: Path) -> None:
    whole = tokens.create("ci", ("read",), (), 60, by="alice")
    _, identity, secret = whole.split("_", 2)
    tokens.revoke(identity, by="bob")
    database = Database(tmp_path / "state", patience=5)
    with database.reading() as transaction:
        assert transaction is not None
        from runner.store.schema import metadata

        said = "".join(str(row) for table in metadata.sorted_tables for row in transaction.connection.execute(table.select()))
    database.close()
    assert secret not in said
    entries = AuditLog(tmp_path / "state", patience=5).newest(9, subject=identity)
    assert [(entry.kind, entry.body["by"]) for entry in entries] == [("token.revoked", "bob"), ("token.created", "alice")]
