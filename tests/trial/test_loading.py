"""What the layer `load` runs, with scripted sandboxes."""

from collections.abc import Mapping

import pytest

from runner.model.sandbox import Errands
from runner.model.suite import Errand
from runner.ports import Importer
from runner.trial.load import Options
from runner.trial.loading import MOST_AGAIN, Loading
from testing.builders import a_change, a_file, a_run

IMPORTER = Importer(("python3", "-c"), {}, "/work", (), ".")
FINE = "begin\t0\nimported\t0\t0.100\t/work/x.py\n"
BAD = "begin\t0\nraised\t0\t0.100\tNameError\t\tpkg/a.py:1\tno\n"


class Scripted:
    """Sandboxes that answer from a table of (tree, module)."""

    def __init__(self, told: Mapping[tuple[str, str], str]) -> None:
        self.told, self.asked = told, []

    def run_errands(self, tree: str, errands: Errands) -> tuple[Errand, ...] | None:
        self.asked.append((tree, tuple(name for (name,) in errands.each)))
        return tuple(Errand(status=0, seconds=0.1, told=self.told.get((tree, name), FINE)) for (name,) in errands.each)


@pytest.fixture
def loading(box):
    for file in ("pkg/__init__.py", "pkg/a.py", "pkg/b.py", "pkg/new.py", "pkg/skipped.py"):
        box.write_file(file, "")
    change = a_change("pkg/a.py", "pkg/b.py", a_file("pkg/new.py", "A"), "pkg/skipped.py", "tests/test_a.py")
    return Loading(box.trees, change, IMPORTER, Options(skip=("pkg.skipped",)))


SOURCE = ("pkg/a.py", "pkg/b.py", "pkg/new.py", "pkg/skipped.py")


def patched(told: str) -> object:
    return a_run({"t.py::x": "passed"}, errands=(Errand(status=0, seconds=0.1, told=told),))


def together(*words: str) -> str:
    lines = {"ok": "imported\t{0}\t0.100\t/work/x.py", "bad": "raised\t{0}\t0.100\tNameError\t\t\tno"}
    return "".join(f"begin\t{number}\n{lines[word].format(number)}\n" for number, word in enumerate(words))


def test_all_modules_of_the_source_side_are_asked_in_one_errand(loading):
    errands = loading.errands("tree", SOURCE)
    assert list(errands.each) == [("pkg.a", "pkg.b", "pkg.new")]
    assert (errands.seconds, errands.total) == (20.0, 20.0)
    assert loading.errands("other", ()) is None


def test_nothing_more_runs_when_all_import(loading):
    loading.errands("tree", SOURCE)
    bench = Scripted({})
    imports = loading.imports(bench, "tree", patched(together("ok", "ok", "ok")))
    assert bench.asked == []
    assert {answer.state for answer in imports.together.values()} == {"imported"}


def test_what_fails_is_asked_again_on_both_sides_and_a_new_module_s_neighbours_on_the_base(loading):
    loading.errands("tree", SOURCE)
    bench = Scripted({("tree", "pkg.a"): BAD})
    imports = loading.imports(bench, "tree", patched(together("bad", "ok", "bad")))
    assert sorted(bench.asked) == [(loading.change.base_tree, ("pkg.a", "pkg", "pkg.b")), ("tree", ("pkg.a", "pkg.new"))]
    assert {name: answer.state for name, answer in imports.patched.items()} == {"pkg.a": "raised", "pkg.new": "imported"}
    assert set(imports.base) == {"pkg.a"}


def test_a_sandbox_that_did_not_live_to_tell_has_its_modules_asked_again(loading):
    loading.errands("tree", SOURCE)
    bench = Scripted({})
    loading.imports(bench, "tree", a_run({}, ended=False))
    assert ("tree", ("pkg.a", "pkg.b", "pkg.new")) in bench.asked


def test_no_more_than_so_many_are_asked_again(box):
    box.write_file("pkg/__init__.py", "")
    paths = [f"pkg/m{number}.py" for number in range(2 * MOST_AGAIN)]
    loading = Loading(box.trees, a_change(*paths), IMPORTER, Options())
    loading.errands("tree", paths)
    bench = Scripted({})
    imports = loading.imports(bench, "tree", a_run({}, ended=False))
    assert [len(names) for _, names in bench.asked] == [MOST_AGAIN, MOST_AGAIN]
    assert len(imports.modules) == 2 * MOST_AGAIN
