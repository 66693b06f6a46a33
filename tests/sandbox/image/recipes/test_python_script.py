"""The script that runs inside a build container, with a stand-in for a Python whose pip is old."""

import importlib.util
import sys
from pathlib import Path

import pytest

from runner.sandbox.image.host_network import HostNetwork
from runner.sandbox.image.made import environment
from runner.shipped import shipped

OLD_PIP = """#!/bin/sh
case "$*" in
*"-m venv"*) for last; do :; done; mkdir -p "$last/bin"; cp "$0" "$last/bin/python";;
*--root-user-action*) echo "no such option: --root-user-action"; exit 2;;
*"-m pip"*) echo "pip as root: ${PIP_ROOT_USER_ACTION:-warn}";;
esac
"""


def test_a_pip_that_does_not_know_every_option_of_today_can_be_brought_up_to_date(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    python = tmp_path / "python3"
    python.write_text(OLD_PIP)
    python.chmod(0o755)
    venv = tmp_path / "venv"
    monkeypatch.setattr(sys, "executable", str(python))
    for name, value in environment(HostNetwork(env={}, certificates=None)).items():
        monkeypatch.setenv(name, value)
    spec = importlib.util.spec_from_file_location("recipe_script", shipped("images/python/install.py"))
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    monkeypatch.setattr(script, "VENV", venv)
    monkeypatch.setattr(script, "WORK", tmp_path)
    monkeypatch.setattr(script, "PIP", [str(venv / "bin/python"), *script.PIP[1:]])
    script.make_venv()
    assert capsys.readouterr().out.splitlines() == ["creating /opt/venv", "pip as root: ignore"]
