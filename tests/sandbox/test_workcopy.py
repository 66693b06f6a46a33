"""One contract for both ways to a working copy."""

import hashlib
import json
import os
from pathlib import Path

import pytest

from runner.errors import InfrastructureError
from runner.sandbox import delta, workcopy
from runner.sandbox.containers import DockerSandbox
from runner.sandbox.engine import Engine

_LIST = """
import json, os
found = {}
for root, directories, files in os.walk("."):
    for name in files + [d for d in directories if os.path.islink(os.path.join(root, d))]:
        path = os.path.relpath(os.path.join(root, name))
        if os.path.islink(path): found[ascii(path)] = ["link", os.readlink(path)]
        else: found[ascii(path)] = ["%o" % (os.stat(path).st_mode & 0o777), open(path, "rb").read().decode()]
    if root != "." and not os.listdir(root): found[ascii(os.path.relpath(root))] = ["empty", ""]
print(json.dumps(found))
"""

_BASE = {
    "same.txt": b"same\n",
    "edited.py": b"old\n",
    "deleted.py": b"x",
    "package/a.py": b"a",
    "package/b.py": b"b",
    "going/deep/er/one.py": b"1",
    "going/two.py": b"2",
    "file_to_directory": b"file",
    "directory_to_file/x": b"x",
    "directory_to_file/y/z": b"z",
    "directory_to_link/x": b"x",
    "link_to_file": ("120000", b"same.txt"),
    "becomes_executable": b"#!/bin/sh\n",
    "tool": ("100755", b"#!/bin/sh\n"),
    "submodule": ("160000", b"ignored"),
    "filled/x": b"x",
    b"latin-\xe9/\xff.py": b"odd",
    b"latin-\xe9/stays.py": b"odd",
}
_AFTER = {
    "same.txt": b"same\n",
    "edited.py": b"new\n",
    "package/b.py": b"b",
    "renamed.py": b"x",
    "new/deep/er/file.py": b"n",
    "file_to_directory/inside": b"i",
    "directory_to_file": b"now a file",
    "directory_to_link": ("120000", b"package"),
    "link_to_file": b"a file",
    "becomes_executable": ("100755", b"#!/bin/sh\n"),
    "tool": b"#!/bin/sh\n",
    "out": ("120000", b"/etc/passwd"),
    "upwards": ("120000", b"../../../etc"),
    "submodule/now": b"a directory",
    "filled": ("160000", b"ignored"),
    b"latin-\xe9/stays.py": b"odd",
    "name with blanks, a:colon\nand more": b"1",
}


def _seen(tree):
    seen = {}
    for name, given in tree.items():
        path = name if isinstance(name, str) else os.fsdecode(name)
        mode, content = ("100644", given) if isinstance(given, bytes) else given
        kind = {"120000": "link", "160000": "empty", "100755": "755"}.get(mode, "644")
        seen[ascii(path)] = [kind, "" if kind == "empty" else content.decode()]
    return seen


@pytest.fixture(scope="module", params=["mounted", "held", "streamed"])
def way(request, engine, tmp_path_factory):
    """A sandbox held to one strategy; `held` is that of a user who may not mount."""
    ours = Engine()
    if request.param == "held":
        ours.__dict__["shares_our_files"] = False
    kind = workcopy.STREAM if request.param == "streamed" else workcopy.OVERLAY
    with DockerSandbox(ours, tmp_path_factory.mktemp("way"), strategy=kind) as sandbox:
        sandbox.kind = kind
        yield sandbox


@pytest.mark.docker
class TestContract:
    def test_it_holds_the_tree_and_nothing_else(self, run, way):
        execution = run(_LIST, files=_BASE, after=_AFTER, where=way)
        assert json.loads(execution.log) == _seen(_AFTER)
        assert execution.working_copy == way.kind

    def test_without_a_change_it_is_the_base(self, run, way):
        assert json.loads(run(_LIST, files=_BASE, where=way).log) == _seen(_BASE)

    def test_it_can_be_written_everywhere_and_the_next_run_sees_nothing_of_it(self, run, way):
        program = """
import os, shutil
open("package/a.py", "w").write("changed"); os.chmod("tool", 0o600); os.remove("same.txt"); shutil.rmtree("going")
os.rename("package", "moved"); os.mkdir("made"); open("made/x", "w").close(); os.symlink("/etc", "evil"); os.link("edited.py", "hard")
open("hard", "a").write("more")
os.utime("deleted.py", (0, 0)); print(sorted(os.listdir("moved")), open("edited.py").read())
"""
        assert run(program, files=_BASE, where=way).log == "['a.py', 'b.py'] old\nmore\n"
        assert json.loads(run(_LIST, files=_BASE, where=way).log) == _seen(_BASE)

    def test_what_may_be_written_is_bounded(self, run, way):
        execution = run("open('big', 'wb').write(bytes(11 * 2**20)); open('more', 'wb').write(bytes(11 * 2**20))", files=_BASE, where=way)
        assert execution.exit_code == 1
        assert execution.usage.disk_full == "/work"

    def test_another_tree_than_the_one_asked_for_starts_nothing(self, run, way, monkeypatch):
        honest = delta.sample
        monkeypatch.setattr(delta, "sample", lambda *given: (*honest(*given), ("same.txt", "file", hashlib.sha1(b"x").hexdigest())))
        with pytest.raises(InfrastructureError, match="not the tree asked for"):
            run("print('ran')", files=_BASE, where=way)

    def test_an_empty_tree_is_a_tree(self, run, way):
        assert run(_LIST, files=_BASE, after={"only": b""}, where=way).log == json.dumps({"'only'": ["644", ""]}) + "\n"


def _digest(directory: Path) -> str:
    found = hashlib.sha256()
    for root, directories, files in os.walk(directory):
        directories.sort()
        for name in sorted([*directories, *files]):
            path = Path(root, name)
            stats = path.lstat()
            content = path.readlink() if path.is_symlink() else path.read_bytes() if path.is_file() else b""
            found.update(repr((str(path), stats.st_mode, stats.st_uid, stats.st_mtime_ns, stats.st_nlink, content)).encode())
    return found.hexdigest()


@pytest.mark.docker
def test_a_hostile_run_leaves_the_snapshot_as_it_was_to_the_last_bit(run, engine, tmp_path):
    with DockerSandbox(Engine(), tmp_path, strategy=workcopy.OVERLAY) as sandbox:
        run("", files=_BASE, where=sandbox)
        before = _digest(tmp_path / "snapshots")
        run(
            """
import os
for root, directories, files in os.walk("."):
    for name in files:
        path = os.path.join(root, name)
        if not os.path.islink(path):
            with open(path, "r+b") as file: file.write(b"evil")
            os.chmod(path, 0o777); os.utime(path, (1, 1)); os.link(path, path + ".link")
os.mkfifo("pipe"); os.symlink("/", "root"); os.truncate("same.txt", 2**23); os.mkdir(".wh.fake")
""",
            files=_BASE,
            where=sandbox,
        )
    assert _digest(tmp_path / "snapshots") == before


@pytest.mark.docker
def test_an_engine_that_cannot_mount_the_overlay_gets_the_tree_streamed_and_says_so(run, engine, tmp_path, monkeypatch):
    honest = workcopy.overlay

    def elsewhere(*given):
        copy = honest(*given)
        options = copy.mount["VolumeOptions"]["DriverConfig"]["Options"]
        options["o"] = options["o"].replace(str(tmp_path), "/not/there")
        return copy

    monkeypatch.setattr(workcopy, "overlay", elsewhere)
    notes = []
    with DockerSandbox(Engine(), tmp_path, note=notes.append) as sandbox:
        execution = run(_LIST, files=_BASE, after=_AFTER, where=sandbox)
    assert (execution.working_copy, json.loads(execution.log)) == (workcopy.STREAM, _seen(_AFTER))
    assert "streaming the tree instead" in notes[0]


@pytest.mark.docker
def test_a_place_that_mount_options_cannot_name_gets_the_tree_streamed(run, engine, tmp_path):
    with DockerSandbox(Engine(), tmp_path / "a:b,c") as sandbox:
        assert run("", files=_BASE, where=sandbox).working_copy == workcopy.STREAM


@pytest.mark.parametrize(
    ("gone", "expected"),
    [
        ([b"going/two.py"], {b"going/two.py"}),
        ([b"going/deep/er/one.py"], {b"going/deep"}),
        ([b"going/deep/er/one.py", b"going/two.py", b"deleted.py"], {b"going", b"deleted.py"}),
    ],
)
def test_a_directory_without_entries_is_hidden_as_a_whole(trees, gone, expected):
    tree = trees.add(_without(gone))
    assert delta.hidden(gone, tree, trees) == expected


def _without(gone):
    names = {os.fsdecode(name) for name in gone}
    return {name: content for name, content in _BASE.items() if name not in names}
