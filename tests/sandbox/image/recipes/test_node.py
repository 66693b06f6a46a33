"""What the node recipe takes of a base tree."""

from typing import Any

import pytest

from runner.errors import ImageUnavailable
from runner.sandbox.image.npm_settings import npm_settings
from runner.sandbox.image.recipes.node import tree_recipe

MANIFEST = b'{"name": "tide", "devDependencies": {"knot": "1"}}'
FILES = {
    "package.json": MANIFEST,
    "package-lock.json": b"{}",
    "a.js": b"",
    "hull/package.json": b"{}",
    "node_modules/x/package.json": b"{}",
}


def test_a_project_without_packages_needs_no_npm(trees: Any) -> None:
    made = tree_recipe(trees, trees.add({"package.json": b'{"name": "tide"}', "package-lock.json": b"{}"}))
    assert (made.settings, dict(made.files), made.path) == ({"install": False}, {}, "")


def test_manifests_and_the_lock_file_make_the_image_and_sources_do_not(trees: Any) -> None:
    made = tree_recipe(trees, trees.add(FILES))
    assert sorted(made.files) == ["tree/hull/package.json", "tree/package-lock.json", "tree/package.json"]
    keys = [tree_recipe(trees, trees.add({**FILES, **more})).key("b") for more in ({}, {"a.js": b"1"}, {"package-lock.json": b"[]"})]
    assert (keys[0] == keys[1], keys[0] == keys[2]) == (True, False)


@pytest.mark.parametrize(
    ("files", "words"), [({"package.json": MANIFEST}, "no package-lock.json"), ({"package.json": b"{"}, "cannot be read")]
)
def test_what_npm_could_not_install_is_said_before_anything_is_built(trees: Any, files: dict[str, bytes], words: str) -> None:
    with pytest.raises(ImageUnavailable, match=words):
        tree_recipe(trees, trees.add(files))


def test_registries_and_their_credentials_come_from_this_host_and_paths_do_not(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".npmrc").write_text(
        "; note\nregistry=https://r/\n//r/:_authToken=${TOKEN}\ncafile=/etc/ca.pem\nscript-shell=/bin/evil\n@yard:registry = https://y/\n"
    )
    made = npm_settings({"HOME": str(tmp_path), "TOKEN": "t0k", "NPM_CONFIG_PROXY": "http://p", "npm_config_prefix": "/usr"})
    lines = made.npmrc.decode().splitlines()
    assert [line for line in ("registry=https://r/", "//r/:_authToken=t0k", "@yard:registry=https://y/") if line in lines] == lines[-3:]
    assert made.env == {"npm_config_proxy": "http://p"}
    assert "t0k" not in repr(made)
