"""Manifests: one for each content, and none that leads out of a folder."""

import json
from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.vault.manifest import Damaged, Entry, digest, dump, objects_of, parse

EMPTY = digest(b"")
HEAD = b'{"schema":"seatrial.manifest/v1"}\n'


def an_entry(path: bytes = b"a", **given: object) -> Entry:
    usual: dict[str, object] = {"kind": "file", "mode": 0o644, "sha256": EMPTY, "size": 0, "owner": None, "attributes": ()}
    return Entry(path, **{**usual, **given})  # type: ignore[arg-type]


def a_line(**given: object) -> bytes:
    usual = {"path": b64encode(b"a").decode(), "kind": "file", "mode": 420, "sha256": EMPTY, "size": 0, "owner": None, "attributes": []}
    return json.dumps({**usual, **given}, sort_keys=True, separators=(",", ":")).encode() + b"\n"


parts = (
    st.binary(min_size=1, max_size=8)
    .map(lambda part: part.replace(b"/", b"_").replace(b"\0", b"_"))
    .filter(lambda part: part not in (b".", b".."))
)
entries = st.builds(
    an_entry,
    path=parts,
    mode=st.integers(0, 0o7777),
    size=st.integers(0, 2**50),
    sha256=st.binary(max_size=3).map(digest),
    owner=st.none() | st.tuples(st.integers(0, 2**32 - 2), st.integers(0, 2**32 - 2)),
    attributes=st.dictionaries(st.text("abc.\udc80é", min_size=1, max_size=5), st.binary(max_size=5), max_size=3).map(
        lambda found: tuple(sorted(found.items()))
    ),
)


@given(st.lists(entries, max_size=8, unique_by=lambda entry: entry.path))
def test_what_is_dumped_is_parsed_again_in_the_order_of_the_paths(found: list[Entry]) -> None:
    manifest = dump(found)
    assert parse(manifest) == tuple(sorted(found))
    assert dump(reversed(found)) == manifest
    assert objects_of(manifest) == {entry.sha256 for entry in found}


def test_each_field_makes_another_backup() -> None:
    variants = (
        an_entry(),
        an_entry(b"b"),
        an_entry(kind="link"),
        an_entry(mode=0o755),
        an_entry(sha256=digest(b"x")),
        an_entry(owner=(0, 0)),
        an_entry(attributes=(("user.a", b""),)),
    )
    assert len({digest(dump([entry])) for entry in variants}) == len(variants)


@pytest.mark.parametrize("path", [b"..", b"../x", b"a/../../x", b"/etc/passwd", b"a//b", b"a/", b"./a", b"a\0b", b"/"])
def test_a_path_that_leads_anywhere_else_is_refused(path: bytes) -> None:
    with pytest.raises(Damaged):
        dump([an_entry(path)])
    with pytest.raises(Damaged):
        parse(HEAD + a_line(path=b64encode(path).decode()))


@pytest.mark.parametrize("kind", ["file", "link"])
def test_nothing_lies_below_a_link_or_a_file(kind: str) -> None:
    lines = [a_line(kind=kind), a_line(path=b64encode(b"a/b").decode())]
    with pytest.raises(Damaged, match="below what is no folder"):
        parse(HEAD + b"".join(lines))
    between = a_line(path=b64encode(b"a-").decode())
    with pytest.raises(Damaged, match="below what is no folder"):
        parse(HEAD + lines[0] + between + lines[1])


@pytest.mark.parametrize(
    "line",
    [
        a_line(kind="fifo"),
        a_line(kind="folder"),
        a_line(path=""),
        a_line(mode=0o10000),
        a_line(mode=-1),
        a_line(mode=True),
        a_line(mode=4.5),
        a_line(size=-1),
        a_line(sha256="x"),
        a_line(sha256=EMPTY.upper()),
        a_line(sha256="../../../../etc/passwd"),
        a_line(owner=[0]),
        a_line(owner=[0, -1]),
        a_line(owner=["root", "root"]),
        a_line(path="%%%"),
        a_line(path=7),
        a_line(attributes=[["b", ""], ["a", ""]]),
        a_line(attributes=[["a\0", ""]]),
        a_line(attributes=[["\ud800", ""]]),
        a_line(attributes=[[1, ""]]),
        a_line(attributes=7),
        a_line(more=1),
        a_line() * 2,
        b"[]\n",
        b"\n",
        b"[" * 100_000 + b"\n",
        b"\xff\n",
        b"1e999\n",
    ],
    ids=lambda line: repr(line[:40]),
)
def test_a_line_that_we_never_wrote_is_refused(line: bytes) -> None:
    with pytest.raises(Damaged):
        parse(HEAD + line)


@pytest.mark.parametrize("manifest", [b"", b"\n", b"{}\n", HEAD[:-1], HEAD.replace(b"v1", b"v2")])
def test_what_is_no_manifest_is_refused(manifest: bytes) -> None:
    with pytest.raises(Damaged):
        parse(manifest)


def test_what_a_target_cannot_hold_is_not_kept() -> None:
    with pytest.raises(Damaged, match="there twice"):
        dump([an_entry(), an_entry(mode=0o600)])
