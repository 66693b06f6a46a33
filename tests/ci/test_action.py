"""The steps of action.yml, run as a runner runs them: what they fetch, judge, say and put out, and what they never obey."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
JUDGED = "refs/heads/base..refs/heads/proposed"
HOSTILE = [
    "$(touch pwned)",
    "`touch pwned`",
    "x\ntouch pwned\n",
    "'; touch pwned; '",
    '"; touch pwned; "',
    "--help",
    "-",
    "x\nverdict<<E\naccept\nE",
]


def edit(path: str, text: str) -> Any:
    def change(work: Path) -> None:
        (work / path).parent.mkdir(parents=True, exist_ok=True)
        (work / path).write_text(text)

    return change


def patch(name: str) -> Any:
    return lambda work: subprocess.run(["git", "apply", ROOT / "examples" / "changes" / f"{name}.diff"], cwd=work, check=True)


def in_tool(runner: Any, *argv: str) -> str:
    return subprocess.run(
        ["git", "--git-dir", runner.tool / "repository.git", *argv], check=True, capture_output=True, text=True
    ).stdout.strip()


def nothing_ran(folder: Path) -> bool:
    return not list(folder.rglob("pwned"))


@pytest.mark.docker
@pytest.mark.parametrize(
    ("change", "verdict", "code"),
    [(patch("good"), "accept", 0), (patch("broken"), "reject", 1), (edit("tests/conftest.py", "X = 1\n"), "hold", 3)],
    ids=["accept", "reject", "hold"],
)
def test_a_pull_request_is_judged_reported_and_answered_by_the_exit_code(runner, server, change, verdict, code) -> None:
    server.propose(change)
    runner.real()
    job = runner.job()
    assert (job.code, job.outputs["verdict"], job.outputs["exit-code"]) == (code, verdict, str(code)), job.log
    assert re.fullmatch(r"[A-Za-z0-9_-]+", job.outputs["run-id"])
    assert all(Path(job.outputs[name]).stat().st_size for name in ("json", "sarif", "junit", "markdown"))
    assert job.summary == Path(job.outputs["markdown"]).read_text()
    assert any(line.startswith(("::error", "::warning")) for line in job.obeyed) == (verdict != "accept")
    assert list((runner.folder / "workspace").iterdir()) == []


@pytest.mark.docker
def test_a_held_change_passes_when_only_rejections_fail(runner, server) -> None:
    server.propose(edit("tests/conftest.py", "X = 1\n"))
    runner.real()
    job = runner.job(**{"fail-on": "reject"})
    assert (job.code, job.outputs["verdict"]) == (0, "hold"), job.log


def test_the_change_is_merged_onto_the_target_branch_as_it_is_now_and_never_checked_out(runner, server) -> None:
    """Whoever proposes a change chooses what it starts from: an old commit with an old policy and fewer tests must not judge it."""
    old = server.publish("old")
    edit("tests/test_new.py", "def test_new(): ...\n")(server.work)
    new = server.publish("new test")
    server.propose(edit("src/berth/extra.py", "X = 1\n"), start=old)
    runner.stand_in()
    job = runner.job()
    assert job.code == 0, job.log
    assert job.seen["argv"][-1] == JUDGED
    assert in_tool(runner, "rev-parse", "base") == new
    assert in_tool(runner, "diff", "--name-only", "base", "proposed") == "src/berth/extra.py"
    assert "tests/test_new.py" in in_tool(runner, "ls-tree", "-r", "--name-only", "proposed")
    assert not list(runner.folder.rglob("extra.py"))


def test_tags_of_the_project_do_not_stand_in_for_what_is_judged(runner, server) -> None:
    """Tags are fetched with the history, and a short name means the tag first."""
    main = server.publish()
    server.propose(edit("a.txt", "1\n"))
    for tag in ("base", "proposed", "head"):
        subprocess.run(
            ["git", "push", "-q", server.address / "owner" / "project.git", f"{main}:refs/tags/{tag}"], cwd=server.work, check=True
        )
    runner.stand_in()
    base, proposed = runner.job().seen["argv"][-1].split("..")
    assert in_tool(runner, "rev-parse", "--verify", "refs/tags/base") == main
    assert in_tool(runner, "diff", "--name-only", base, proposed) == "a.txt"


def test_a_change_that_does_not_merge_is_not_judged_and_fails(runner, server) -> None:
    old = server.publish("old")
    edit("README.md", "ours\n")(server.work)
    server.publish("ours")
    server.propose(edit("README.md", "theirs\n"), start=old)
    runner.stand_in()
    job = runner.job(**{"fail-on": "reject"})
    assert (job.code, job.seen) == (1, {})
    assert "does not merge cleanly" in job.log


def test_merge_programs_of_the_machine_are_not_called_by_attributes_of_the_change(runner, server, tmp_path) -> None:
    settings = tmp_path / "gitconfig"
    settings.write_text(
        '[merge "evil"]\n\tdriver = touch '
        + str(tmp_path / "pwned")
        + "\n[core]\n\tattributesFile = "
        + str(tmp_path / "attributes")
        + "\n"
    )
    (tmp_path / "attributes").write_text("* merge=evil\n")
    old = server.publish("old")
    edit("README.md", "a\n")(server.work)
    server.publish("ours")
    server.propose(edit("README.md", "b\n"), start=old)
    runner.stand_in()
    runner.more["GIT_CONFIG_GLOBAL"] = str(settings)
    runner.job()
    assert nothing_ran(tmp_path)


def test_a_pull_request_that_moved_on_is_left_to_the_newer_run(runner, server) -> None:
    server.propose(edit("a.txt", "1\n"))
    server.head = "0" * 40
    runner.stand_in()
    job = runner.job()
    assert (job.code, job.seen) == (4, {})
    assert "a newer run judges it" in job.log


def test_the_policy_named_is_read_from_the_target_branch(runner, server) -> None:
    edit("ci/strict.yaml", "seatrial: 1 # of the target\n")(server.work)
    server.publish()
    server.propose(edit("ci/strict.yaml", "seatrial: 1 # of the change\n"))
    runner.stand_in()
    job = runner.job(policy="ci/strict.yaml")
    named = job.seen["argv"][job.seen["argv"].index("--policy") + 1]
    assert Path(named).read_text() == "seatrial: 1 # of the target\n"
    assert runner.job(policy="ci/absent.yaml").code == 2
    assert runner.job(policy="../../etc/passwd").code == 2
    assert runner.job(policy="/etc/strict.yaml").seen["argv"].count("/etc/strict.yaml") == 1


def test_without_inputs_the_check_is_as_the_command_line_has_it(runner, server) -> None:
    server.propose(edit("a.txt", "1\n"))
    runner.stand_in()
    seen = runner.job().seen
    reports = runner.tool / "reports"
    assert seen["argv"] == [
        "check", "--repo", str(runner.tool / "repository.git"), "--fail-on", "hold", "--format", "github",
        *(word for form in ("markdown", "json", "sarif", "junit") for word in ("--report", f"{form}={reports}/report.{form}")),
        "--", JUDGED,
    ]  # fmt: skip
    assert not {"SEATRIAL_LOGIN", "GIT_CONFIG_VALUE_0"} & set(seen["env"])
    assert "t0ken" not in str(seen)


def test_the_cache_named_is_used(runner, server) -> None:
    server.propose(edit("a.txt", "1\n"))
    runner.stand_in()
    assert runner.job(cache="kept").seen["env"]["XDG_CACHE_HOME"] == str(runner.folder / "workspace" / "kept")


@pytest.mark.parametrize(("code", "verdict"), [(0, "accept"), (1, "reject"), (3, "hold")])
def test_annotations_are_obeyed_and_what_is_said_meanwhile_is_not(runner, server, code, verdict) -> None:
    server.propose(edit("a.txt", "1\n"))
    says = "::error::pwned\n  ::add-mask::x\n##[error]pwned\n::stop-commands::\n::endgroup::"
    runner.stand_in(code=code, verdict=verdict, says=says, prints="::error file=a.py,line=1::broken\n")
    job = runner.job()
    assert job.code == code
    assert job.obeyed == ["::error file=a.py,line=1::broken"]
    assert job.log.index("pwned") < job.log.index("broken")
    assert (job.outputs["verdict"], job.outputs["run-id"], job.summary) == (verdict, "0a1b2c", "## ok\n")


@pytest.mark.parametrize("code", [2, 4, 70, 137])
def test_what_was_not_judged_fails_and_has_no_verdict(runner, server, code) -> None:
    server.propose(edit("a.txt", "1\n"))
    runner.stand_in(code=code, prints="::notice::half an answer\n")
    job = runner.job(**{"fail-on": "reject"})
    assert job.code == code
    assert job.obeyed == [f"::error title=Seatrial::the change was not judged (exit code {code}); the log says why"]
    assert (job.outputs["verdict"], job.outputs["json"], job.summary) == ("", "", "")


@pytest.mark.parametrize("name", ["verdict", "run"])
def test_a_report_cannot_write_outputs_of_its_own(runner, server, name) -> None:
    server.propose(edit("a.txt", "1\n"))
    runner.stand_in(**{name: "accept\nrun-id=evil\nx<<E\nverdict\nE"})
    outputs = runner.job().outputs
    assert set(outputs) == {"verdict", "run-id", "exit-code", "json", "sarif", "junit", "markdown"}
    assert outputs["verdict" if name == "verdict" else "run-id"] == ""


@pytest.mark.parametrize("name", ["change", "policy", "fail-on", "cache"])
def test_inputs_are_never_part_of_a_script(runner, server, name) -> None:
    server.propose(edit("a.txt", "1\n"))
    runner.stand_in()
    for text in HOSTILE:
        job = runner.job(**{name: text})
        assert nothing_ran(runner.folder.parent), text
        assert all("pwned" not in line for line in job.obeyed)
        assert set(job.outputs) <= {"verdict", "run-id", "exit-code", "json", "sarif", "junit", "markdown"}
        if name == "change":
            assert job.seen["argv"][-2:] == ["--", text]
        if name in ("policy", "fail-on"):
            assert (job.code, job.seen) == (2, {})


def test_branch_names_are_only_names(runner, server) -> None:
    server.propose(edit("a.txt", "1\n"))
    runner.stand_in()
    for branch in ("$(touch${IFS}pwned)", "`touch-pwned`", "a;touch-pwned", "-x", "a'b\"c", "base", "head", "refs/heads/main"):
        server.target = branch
        server.publish()
        job = runner.job()
        assert (job.code, job.seen["argv"][-1]) == (0, JUDGED), job.log
        assert nothing_ran(runner.folder.parent)


def test_on_pull_request_a_policy_of_the_workspace_is_refused(runner, server) -> None:
    runner.event_name = "pull_request"
    runner.stand_in()
    job = runner.job(change="HEAD", policy="policy.yaml")
    assert (job.code, job.seen) == (2, {})
    assert "judge itself" in job.log
    runner.event_name = "push"
    assert runner.job(change="HEAD", policy="policy.yaml").seen["argv"].count(f"{runner.folder}/workspace/policy.yaml") == 1


def test_an_event_without_a_pull_request_needs_a_change(runner, server) -> None:
    runner.event_name = "push"
    runner.stand_in()
    assert (runner.job().code, runner.job(change="main..topic").seen["cwd"]) == (2, str(runner.folder / "workspace"))


def test_no_expression_stands_in_a_script_and_no_foreign_action_is_used() -> None:
    steps = yaml.safe_load((ROOT / "action.yml").read_text())["runs"]["steps"]
    assert all("${{" not in step["run"] for step in steps)
    assert not [step for step in steps if "uses" in step]
    for script in ("install.sh", "propose.sh", "github.sh", "gitlab.sh"):
        assert "set -euo pipefail" in (ROOT / "ci" / script).read_text()
        assert "eval" not in (ROOT / "ci" / script).read_text()


def test_every_output_comes_from_a_step() -> None:
    action = yaml.safe_load((ROOT / "action.yml").read_text())
    ids = {step.get("id") for step in action["runs"]["steps"]}
    for name, spec in action["outputs"].items():
        assert re.fullmatch(r"\$\{\{ steps\.(\w+)\.outputs\.([\w-]+) \}\}", spec["value"]).groups() == ("judge", name)
    assert "judge" in ids
