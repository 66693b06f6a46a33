"""The shell lines that most people start with: clone, apply, `docker run` the tests, believe the exit code."""

import subprocess
import sys

from patched_copy import patched_copy

image, repo, patch = sys.argv[1:]
with patched_copy(repo, patch) as copy:
    tests = ("python3", "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests")
    argv = ("docker", "run", "--rm", "--network", "none", "-v", f"{copy}:/work", "-w", "/work", image, *tests)
    sys.exit(subprocess.run(argv, check=False).returncode)
