"""Which database is meant, and that nobody is told its password."""

import pytest

from runner.errors import UsageError
from runner.store.address import address, scrubbed

SECRET = "s3cret-w0rd"


def named(url: str, **env: str) -> str:
    found = address({"SEATRIAL_DATABASE": url, **env})
    assert found is not None
    return found.name


@pytest.mark.parametrize("given", ["", "  ", None])
def test_without_a_value_it_is_the_sqlite_file(given: str | None) -> None:
    assert address({} if given is None else {"SEATRIAL_DATABASE": given}) is None


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("postgresql://host/db", "postgresql://host/db"),
        (f"postgres://me:{SECRET}@host:5433/db", "postgresql://me@host:5433/db"),
        (f"postgresql+psycopg://me:{SECRET}@host/db", "postgresql://me@host/db"),
        (f"postgresql://me:{SECRET}@h1:1,h2:2/db?target_session_attrs=primary", "postgresql://me@h1:1,h2:2/db"),
        (f"postgresql://me:{SECRET}@[::1]:5432/db", "postgresql://me@[::1]:5432/db"),
        (f"postgresql://me:{SECRET}@%2Frun%2Fpg/db", "postgresql://me@/run/pg/db"),
        (f"postgresql:///db?host=/run/pg&user=me&password={SECRET}", "postgresql://me@/run/pg/db"),
        (f"postgresql://me:a:{SECRET}@host", "postgresql://me@host/me"),
        ("postgresql://", "postgresql:///"),
    ],
)
def test_a_postgres_url_is_named_without_its_password(url: str, name: str) -> None:
    assert named(url) == name
    assert SECRET not in repr(address({"SEATRIAL_DATABASE": url}))


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("sqlite:///tmp/x.db", "always the one in the state folder"),
        ("sqlite:", "always the one in the state folder"),
        (f"mysql://me:{SECRET}@host/db", "the kind 'mysql'"),
        (f"postgresql+asyncpg://me:{SECRET}@host/db", "the kind 'postgresql+asyncpg'"),
        (f"host=h password={SECRET}", "is not a URL"),
        ("/tmp/x.db", "is not a URL"),
        ("postgresql:host", "is not a URL"),
        (f"postgresql://me:{SECRET}@x@host/db", "is not a URL"),
        (f"postgresql://me:x@{SECRET}@host/db", "is not a URL"),
        (f"postgresql://me:{SECRET}/x@host/db", "is not a URL"),
        (f"postgresql://me:x/{SECRET}@host/db", "is not a URL"),
        (f"postgresql://me:1?{SECRET}@host/db", "is not a URL"),
        (f"postgresql://me:1?a={SECRET}@host/db", "is not a URL"),
        (f"postgresql://me:1#{SECRET}@host/db", "is not a URL"),
        (f"postgresql://me:%zz{SECRET}@host/db", "is not a URL"),
        (f"postgresql://me:{SECRET} x@host/db", "is not a URL"),
        (f"postgresql://me:{SECRET}@host:port/db", "is not a URL"),
        (f"postgresql://me:{SECRET}\n@host/db", "is not a URL"),
        (f"{SECRET}", "is not a URL"),
    ],
)
def test_anything_else_is_a_usage_error_that_repeats_nothing_of_it(url: str, says: str) -> None:
    with pytest.raises(UsageError, match=says.replace("+", r"\+")) as refused:
        address({"SEATRIAL_DATABASE": url})
    assert SECRET not in str(refused.value) + refused.value.hint
    assert SECRET not in scrubbed(f"cannot open {url.strip()}!", {"SEATRIAL_DATABASE": url})


def test_a_long_value_is_judged_at_once() -> None:
    with pytest.raises(UsageError):
        address({"SEATRIAL_DATABASE": "postgresql://" + "a," * 50_000 + "%"})


def test_two_databases_have_two_digests_and_one_database_has_one() -> None:
    def digest(url: str, **env: str) -> str:
        found = address({"SEATRIAL_DATABASE": url, **env})
        assert found is not None
        return found.digest

    one = digest("postgresql://me:x@host/db")
    assert digest("postgres://me:y@host/db?sslmode=require") == one
    others = [digest(url) for url in ("postgresql://host2/db", "postgresql://host/db2", "postgresql://host:1/db")]
    others += [digest("postgresql://", PGHOST="a"), digest("postgresql://", PGHOST="b"), digest("postgresql://", PGDATABASE="a")]
    assert len({one, *others}) == 7


@pytest.mark.parametrize(
    "url", [f"postgresql://me:{SECRET}@host/db", f"postgresql://me@host/db?password={SECRET}", "postgresql://me:p%40ss@h/d"]
)
def test_no_spelling_of_the_password_stays_in_a_text(url: str) -> None:
    text = f"trying {url}: password '{SECRET}' or 'p@ss' or 'p%40ss' is wrong"
    told = scrubbed(text, {"SEATRIAL_DATABASE": url})
    assert not [spelling for spelling in (SECRET, "p@ss", "p%40ss") if spelling in url and spelling in told]
    assert ("p@ss" in told) == ("%40" not in url)
    assert scrubbed(text, {}) == text
