"""`seatrial serve`: take changes over HTTP."""

from pathlib import Path

import click

from runner.cli.settings import common, settings


@click.command()
@click.option(
    "--config", "file", metavar="FILE", type=click.Path(path_type=Path), required=True, help="Repositories, targets and the address."
)
@click.option("--listen", metavar="ADDRESS", help="HOST:PORT or unix:PATH instead of what the file says.")
@click.option("--no-work", is_flag=True, help="Only take requests, and leave them to workers (`seatrial worker`).")
@common
def serve(file: Path, listen: str | None, no_work: bool) -> int:  # noqa: FBT001 - click's way
    """Serve the HTTP interface, and carry what was asked for, until it is stopped.

    It listens on this machine only, unless there are tokens and the address says otherwise. Clients name repositories and targets of FILE,
    never a path. Tokens are made by `seatrial token create`.

    \b
    An example of FILE:
      seatrial-server: 1
      listen: 127.0.0.1:8642
      repos:
        app: {path: /srv/git/app.git}
      targets:
        app-main: {target: "git:/srv/git/app.git#main", repo: app, policy: /etc/seatrial/app.yaml}

    \b
    Examples:
      seatrial serve --config /etc/seatrial/server.yaml
      seatrial serve --config server.yaml --listen unix:/run/seatrial.sock
      seatrial serve --config server.yaml --no-work

    Stopped by a signal it leaves its runs as they are; the next one goes on with them.
    """
    from runner.cli.records import serving
    from runner.wiring.configured import configured
    from runner.wiring.serving import serve as listen_to

    listen_to(configured(file, listen), serving(verbose=settings().verbose), app="runner.api.app:made", works=not no_work)
    return 0
