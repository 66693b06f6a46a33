"""Shipped files are found in a checkout and in an installed package alike."""

from pathlib import Path

import pytest

from runner import shipped as module
from runner.shipped import shipped


def test_a_checkout_has_them_at_its_root() -> None:
    assert shipped("policies/default.yaml").read_text().startswith("# The built-in default")


def test_an_installed_package_has_them_inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inside = tmp_path / "runner" / "policies"
    inside.mkdir(parents=True)
    (inside / "default.yaml").write_text("seatrial: 1\n")
    monkeypatch.setattr(module, "_PACKAGE", tmp_path / "runner")
    assert shipped("policies/default.yaml") == inside / "default.yaml"


def test_a_file_that_was_not_shipped_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="policies/none"):
        shipped("policies/none")
