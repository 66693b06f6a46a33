"""testcontainers: a container that sleeps, the tree mounted, the tests as an exec. Its reaper needs an image of a registry and is off."""

import os
import sys

os.environ["TESTCONTAINERS_RYUK_DISABLED"] = "true"

from patched_copy import patched_copy
from testcontainers.core.container import DockerContainer

image, repo, patch = sys.argv[1:]
with patched_copy(repo, patch) as copy:
    box = DockerContainer(image, network_mode="none", entrypoint=["sleep"], working_dir="/work").with_command("600")
    with box.with_volume_mapping(str(copy), "/work", "rw") as running:
        status, output = running.exec(["python3", "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests"])
print(output.decode())
sys.exit(status)
