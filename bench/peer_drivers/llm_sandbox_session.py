"""llm-sandbox: a session of its own, the tree copied in, the tests as a command; its set-up of packages is skipped, the image has them."""

import sys

from llm_sandbox import SandboxSession
from patched_copy import patched_copy

image, repo, patch = sys.argv[1:]
with (
    patched_copy(repo, patch) as copy,
    SandboxSession(lang="python", image=image, workdir="/sandbox", skip_environment_setup=True, keep_template=True) as session,
):
    session.copy_to_runtime(str(copy), "/sandbox/work")
    done = session.execute_command("python3 -m pytest -q -p no:cacheprovider tests", workdir="/sandbox/work")
print(done.stdout, done.stderr)
sys.exit(done.exit_code)
