"""Logs of a run that another machine carried, as a server shows them that carries none and shares its database."""

import os
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from runner.model.change import Change
from runner.model.result import Decision, Ending, Verdict
from runner.model.run import PolicyFacts, Run
from runner.store.runs import SqlRuns
from testing import commands
from testing.served import serving

HOSTILE = "fine\n\x1b[31m\u202e<script>window.struck = 1</script>\n"


def a_run() -> Run:
    names = {"source": "x.diff", "kind": "diff", "base_label": "main (ccccccc)"}
    change = Change(base_commit="c" * 40, base_tree="b" * 40, tree="d" * 40, patch_id="e" * 40, **names)
    decision = Decision(verdict=Verdict.ACCEPT, ending=Ending.ACCEPTED, reason="every check passed")
    policy = PolicyFacts(source="builtin:default", digest="f" * 64)
    return Run(id="abc123abc123", started=datetime.now(UTC), repository="/app", policy=policy, change=change, decision=decision)


@pytest.mark.postgres
def test_the_interface_the_dashboard_and_the_command_line_show_logs_of_another_machine(
    tmp_path: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEATRIAL_DATABASE", postgres_url)
    worker, run = SqlRuns(tmp_path / "worker"), a_run()
    worker.begin(run)
    worker.finish(run, "{}", {"patched": HOSTILE})
    with serving(tmp_path, works=False) as served:
        answer = served.ask("GET", f"/api/v1/runs/{run.id}/logs?suite=patched")
        assert (answer.status_code, answer.text) == (200, HOSTILE)
        assert answer.headers["content-type"].startswith("text/plain")
        with httpx.Client(base_url=served.url) as browser:
            assert browser.post("/login", data={"token": served.token}).status_code == 303
            page = browser.get(f"/runs/{run.id}").text
        assert "\\u202e&lt;script&gt;window.struck = 1&lt;/script&gt;" in page
        assert "<script>window" not in page
        for more in ((), ("--server", served.url)):
            env = {**os.environ, **served.env, "SEATRIAL_TOKEN": served.token}
            done = commands.run(("run", "logs", run.id, *more), env=env, text=True)
            assert (done.returncode, "window.struck = 1" in done.stdout) == (0, True), done.stderr
            assert "\x1b" not in done.stdout
