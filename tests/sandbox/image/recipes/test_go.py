"""What the go recipe takes of a base tree."""

from typing import Any

import pytest

from runner.sandbox.image.recipes.go import tree_recipe

NEEDS = b"module example.org/a\n\ngo 1.19\n\nrequire example.org/b v1.0.0\n"


@pytest.mark.parametrize(
    ("files", "sent"),
    [
        ({"go.mod": b"module example.org/a\n"}, []),
        ({"go.mod": NEEDS, "go.sum": b"x", "a.go": b""}, ["tree/go.mod", "tree/go.sum"]),
        ({"go.mod": NEEDS, "vendor/modules.txt": b"# example.org/b v1.0.0\n"}, []),
        ({}, []),
    ],
)
def test_modules_are_downloaded_only_when_the_base_needs_some_and_has_not_got_them(
    trees: Any, files: dict[str, bytes], sent: list[str]
) -> None:
    made = tree_recipe(trees, trees.add(files))
    assert (sorted(made.files), made.settings["download"]) == (sent, bool(sent))
