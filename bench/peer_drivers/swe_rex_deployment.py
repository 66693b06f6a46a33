"""SWE-ReX: its server inside the container (in the image already), the tree uploaded, the tests as a command of its runtime."""

import asyncio
import logging
import sys
from pathlib import Path

from patched_copy import patched_copy
from swerex.deployment.docker import DockerDeployment
from swerex.runtime.abstract import Command, CommandResponse, UploadRequest

logging.disable(logging.CRITICAL)


async def judged(image: str, copy: Path) -> CommandResponse:
    """What the tests said."""
    deployment = DockerDeployment(image=image, pull="never", remove_container=True)
    await deployment.start()
    try:
        await deployment.runtime.upload(UploadRequest(source_path=str(copy), target_path="/tmp/work"))
        tests = ["python3", "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests"]
        return await deployment.runtime.execute(Command(command=tests, cwd="/tmp/work"))
    finally:
        await deployment.stop()


image, repo, patch = sys.argv[1:]
with patched_copy(repo, patch) as copy:
    done = asyncio.run(judged(image, copy))
print(done.stdout, done.stderr)
sys.exit(done.exit_code)
