"""Ends the service that runs from this folder, and starts it anew: python3 restart.py PORT, or only ends it: --stop. Safe to run twice."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent


def ends(pid):
    """Whether the process is gone within five seconds."""
    for _ in range(500):
        try:
            os.kill(pid, 0)
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except (ProcessLookupError, FileNotFoundError):
            return True
        time.sleep(0.01)
    return False


def stop():
    try:
        pid = int((HERE / "data" / "harbour.pid").read_text())
        if b"serve.py" not in Path(f"/proc/{pid}/cmdline").read_bytes():
            return
        os.kill(pid, signal.SIGTERM)
    except (FileNotFoundError, ProcessLookupError, ValueError):
        return
    if not ends(pid):
        os.kill(pid, signal.SIGKILL)


def start(port):
    with open(os.devnull, "r+b") as nothing:
        subprocess.Popen(
            [sys.executable, str(HERE / "serve.py"), port], stdin=nothing, stdout=nothing, stderr=nothing, start_new_session=True, cwd="/"
        )
    for _ in range(500):
        with socket.socket() as attempt:
            if attempt.connect_ex(("127.0.0.1", int(port))) == 0:
                return
        time.sleep(0.01)
    sys.exit("the service does not listen")


if __name__ == "__main__":
    stop()
    if sys.argv[1] != "--stop":
        start(sys.argv[1])
