"""docs/ci.md names what there is."""

import re
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs" / "ci.md").read_text()
WORKFLOW, PROTECTED, INCLUDE, HOOKS = (yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL))
ACTION = yaml.safe_load((ROOT / "action.yml").read_text())


def test_the_lines_to_paste_are_six_and_hold_what_the_page_asks_for() -> None:
    assert len(re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)[0].splitlines()) == 6
    assert WORKFLOW[True] == "pull_request_target"  # YAML 1.1 reads `on` so
    assert WORKFLOW["permissions"] == {"contents": "read"}
    assert WORKFLOW["jobs"]["seatrial"]["steps"] == [{"uses": "OWNER/seatrial@COMMIT"}]


def test_a_pull_request_whose_target_was_changed_is_judged_again() -> None:
    told = PROTECTED[True]["pull_request_target"]
    assert told["branches"] == ["main"]
    assert set(told["types"]) == {"opened", "synchronize", "reopened", "edited"}


def test_every_input_output_and_variable_is_told() -> None:
    template = yaml.safe_load((ROOT / "ci" / "gitlab.yml").read_text())
    for name in (*ACTION["inputs"], *ACTION["outputs"], *template["variables"]):
        assert f"`{name}" in TEXT or f"{name}:" in TEXT, name
    assert INCLUDE["include"]["file"] == "/ci/gitlab.yml"
    assert set(INCLUDE["variables"]) <= set(template["variables"])


def test_the_hook_is_the_one_that_there_is() -> None:
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    assert HOOKS["repos"][0]["hooks"] == [{"id": hook["id"]}]
