"""The script of ci/gitlab.yml, run as a GitLab runner runs it, with a stand-in for the installation."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from testing.servers import ROOT, git

FILE = yaml.safe_load((ROOT / "ci" / "gitlab.yml").read_text())
TEMPLATE = FILE["seatrial"]
INSTALL = """#!/bin/sh
cat >"$1/seatrial" <<'END'
#!/bin/sh
printf '%s\\n' "$@" >"$SEEN"
env >>"$SEEN"
for word; do case $word in junit=*|json=*) echo "<report/>" >"${word#*=}";; esac; done
exit "$CODE"
END
chmod +x "$1/seatrial"
"""


@pytest.fixture
def job(server: Any, tmp_path: Path) -> Any:
    """Runs the template's script in a project folder, with the variables of a merge request."""
    source = tmp_path / "source"
    shutil.copytree(ROOT / "ci", source / "ci")
    (source / "ci" / "install.sh").write_text(INSTALL)
    git(source, "init", "-q")
    git(source, "add", "-A")
    git(source, "commit", "-qm", "x")
    project = tmp_path / "project"
    project.mkdir()
    (tmp_path / "tmp").mkdir()

    def run(code: int = 0, **more: str) -> subprocess.CompletedProcess[str]:
        git(server.address / "owner" / "project.git", "update-ref", "refs/merge-requests/1/head", server.head)
        env = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        env |= {name: str(value) for name, value in {**FILE["variables"], **TEMPLATE["variables"]}.items()}
        env |= {"SEATRIAL_SOURCE": str(source), "SEATRIAL_COMMIT": git(source, "rev-parse", "HEAD"), "TMPDIR": str(tmp_path / "tmp")}
        env |= {
            "CI_PROJECT_DIR": str(project),
            "CI_SERVER_URL": f"file://{server.address}",
            "CI_MERGE_REQUEST_PROJECT_PATH": "owner/project",
        }
        env |= {"CI_MERGE_REQUEST_IID": "1", "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": server.target, "CI_COMMIT_SHA": server.head}
        env |= {"CI_JOB_TOKEN": "t0ken", "SEEN": str(tmp_path / "seen"), "CODE": str(code), **more}
        script = "set -eo pipefail\n" + "\n".join(TEMPLATE["script"])
        return subprocess.run(["bash", "-c", script], cwd=project, env=env, capture_output=True, text=True, timeout=120, check=False)

    return run


def propose(server: Any) -> None:
    server.propose(lambda work: (work / "a.txt").write_text("1\n"))


@pytest.mark.parametrize("code", [0, 1, 3, 4])
def test_the_exit_code_is_the_checks_and_reports_become_artefacts(job: Any, server: Any, tmp_path: Path, code: int) -> None:
    propose(server)
    done = job(code)
    assert done.returncode == code, done.stderr
    assert sorted(path.name for path in (tmp_path / "project" / "seatrial-report").iterdir()) == ["report.json", "report.xml"]
    assert TEMPLATE["artifacts"]["reports"]["junit"] == "seatrial-report/report.xml"
    assert not (tmp_path / "project" / "a.txt").exists()
    assert list((tmp_path / "tmp").iterdir()) == []
    seen = (tmp_path / "seen").read_text()
    assert seen.splitlines()[seen.splitlines().index("--") + 1] == "refs/heads/base..refs/heads/proposed"
    assert "t0ken" not in seen


def test_variables_are_never_part_of_the_script(job: Any, server: Any, tmp_path: Path) -> None:
    propose(server)
    for name in ("SEATRIAL_POLICY", "SEATRIAL_FAIL_ON", "SEATRIAL_CACHE", "SEATRIAL_COMMIT", "SEATRIAL_SOURCE", "CI_MERGE_REQUEST_IID"):
        for text in ("$(touch pwned)", "`touch pwned`", "; touch pwned", "--upload-pack=touch pwned"):
            job(**{name: text})
            assert not list(tmp_path.rglob("pwned")), (name, text)


def test_a_link_in_the_place_of_the_reports_is_not_followed(job: Any, server: Any, tmp_path: Path) -> None:
    propose(server)
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "file").write_text("")
    (tmp_path / "project" / "seatrial-report").symlink_to(tmp_path / "precious")
    assert job().returncode == 0
    assert [path.name for path in (tmp_path / "precious").iterdir()] == ["file"]


def test_the_template_checks_nothing_out_and_judges_merge_requests_only() -> None:
    assert TEMPLATE["variables"] == {"GIT_STRATEGY": "none"}, "a variable of the job could not be set by the file that includes it"
    assert TEMPLATE["rules"] == [{"if": '$CI_PIPELINE_SOURCE == "merge_request_event"'}]
    assert TEMPLATE["artifacts"]["when"] == "always"
