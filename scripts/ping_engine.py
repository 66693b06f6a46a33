"""Asks the engine behind a Unix socket whether it lives; exit status 0 yes, 1 no, 2 not allowed. Standard library only."""

import socket
import sys


def ping(path: str) -> int:
    """What the engine's `/_ping` says, within five seconds."""
    with socket.socket(socket.AF_UNIX) as line:
        line.settimeout(5)
        try:
            line.connect(path)
            line.sendall(b"GET /_ping HTTP/1.0\r\nHost: engine\r\n\r\n")
            return 0 if b" 200 " in line.recv(64) else 1
        except PermissionError:
            return 2
        except OSError:
            return 1


if __name__ == "__main__":
    sys.exit(ping(sys.argv[1]))
