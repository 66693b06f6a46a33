"""A check that a server carries ends when somebody asks for that, and its suite with it."""

import time
from pathlib import Path

import pytest

from testing.landing import until
from testing.served import serving

SLOW = "--- /dev/null\n+++ b/tests/test_slow.py\n@@ -0,0 +1,5 @@\n+import time\n+\n+\n+def test_slow():\n+    time.sleep(600)\n"


@pytest.mark.docker
def test_a_check_under_way_can_be_cancelled(own_home: Path, tmp_path: Path) -> None:
    with serving(tmp_path) as served:
        asked = {
            "command": "check",
            "repo": "app",
            "patch": f"diff --git a/tests/test_slow.py b/tests/test_slow.py\nnew file mode 100644\n{SLOW}",
        }
        run = served.post("/api/v1/runs", asked, 202)["run"]
        until(lambda: served.get(f"/api/v1/runs/{run}")["summary"]["state"] == "running", why=served.log.read_text)
        time.sleep(1)
        served.post(f"/api/v1/runs/{run}/cancel", {"reason": "no need"}, 202)
        summary = served.over(run, 30)
        assert summary["ending"] == "cancelled"
        assert "anne cancelled it: no need" in summary["reason"]
