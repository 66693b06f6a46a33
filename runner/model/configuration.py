"""What a server and its workers are told by their operator: repositories and targets by name, so that a client names no path."""

import re
from ipaddress import ip_address
from typing import Annotated, Final, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, StringConstraints, WithJsonSchema, model_validator

from runner.model.claims import Pattern
from runner.model.networks import Network
from runner.model.units import Duration, Size
from runner.model.value import Value

Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")]
_HOST: Final = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,251}[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\]")
_PATH: Final = re.compile(r"/[A-Za-z0-9._~/@+,=%-]+")
_IN_TEMPLATE: Final = re.compile(r"\{([A-Za-z0-9_.:/-]+)\}")
_EXAMPLE: Final = "write it like https://git.example/acme/app.git"


def _source(url: str) -> str:
    """A URL that git can fetch from, which holds no secret and cannot be taken for an option."""
    parts = urlsplit(url)
    user, _, place = parts.netloc.rpartition("@")
    host, _, port = place.rpartition(":") if re.search(r":[0-9]+$", place) else (place, "", "")
    if parts.scheme not in ("https", "http", "ssh", "file"):
        raise ValueError(f"'{url}' is neither https, ssh nor file; {_EXAMPLE}")
    if user and (parts.scheme != "ssh" or not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", user)):
        raise ValueError(f"a user or a password does not belong into a URL; give `credential`, and {_EXAMPLE}")
    if parts.query or parts.fragment or not _PATH.fullmatch(parts.path):
        raise ValueError(f"'{url}' has no path, or odd characters in it; {_EXAMPLE}")
    if (parts.scheme == "file") == bool(place) or (place and not _HOST.fullmatch(host)):
        raise ValueError(f"'{url}' names no host as it must; {_EXAMPLE}")
    if port and not 0 < int(port[:6]) < 2**16:
        raise ValueError(f"'{url}' has a port that there is none of; {_EXAMPLE}")
    if parts.scheme == "http" and not is_here(host):
        raise ValueError(f"'{url}': anybody on the way could change what comes by http; {_EXAMPLE}")
    return url


def is_here(host: str) -> bool:
    """Whether a host is this machine by its loopback address, as it is written."""
    try:
        return host == "localhost" or ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


Source = Annotated[str, AfterValidator(_source), WithJsonSchema({"type": "string", "examples": ["https://git.example/acme/app.git"]})]


class Credential(Value):
    """Where what opens a repository is found: exactly one of `file` and `env`."""

    file: str = ""
    """A file with a password or token; for ssh, with a private key."""
    env: str = ""
    """A variable of the server's environment with a password or token."""
    user: Annotated[str, StringConstraints(pattern=r"^[^\x00-\x20\x7f:]{1,100}$")] = "x-access-token"
    """The user that a password or token is given for."""

    @model_validator(mode="after")
    def _one(self) -> "Credential":
        if bool(self.file) == bool(self.env):
            raise ValueError("give exactly one of file and env")
        return self


class Repository(Value):
    """A repository that changes are made for: exactly one of `path` and `url`."""

    path: str = ""
    """Where it is on this machine."""
    url: Source = ""
    """Where its commits are fetched from, by https, ssh or file."""
    credential: Credential | None = None
    """What opens it, for a `url`."""
    timeout: Annotated[Duration, Field(gt=0)] = 600.0
    """How long one fetch from a `url` may take."""
    largest: Annotated[Size, Field(gt=0)] = 2 * 2**30
    """Bytes that one fetch from a `url` may bring."""
    policy: str = ""
    """The policy that checks of its changes are judged by; empty: that of their base."""
    labels: tuple[Name, ...] = ()
    """What a worker must have all of (`seatrial worker --labels`) to check its changes."""

    @model_validator(mode="after")
    def _one(self) -> "Repository":
        if bool(self.path) == bool(self.url):
            raise ValueError("give exactly one of path and url")
        if self.credential is not None and not self.url.startswith(("https:", "http:", "ssh:")):
            raise ValueError("a credential is for a url with https or ssh")
        if self.credential is not None and self.credential.env and self.url.startswith("ssh:"):
            raise ValueError("ssh reads its key from a file")
        return self


class Destination(Value):
    """A target that changes may be submitted to."""

    target: str
    """As `seatrial submit --target` takes it, with an absolute path."""
    repo: Name
    """The repository that its changes are made for."""
    policy: str = ""
    """The policy that judges what is submitted; empty: that of what the target holds."""
    labels: tuple[Name, ...] = ()
    """What a worker must have all of (`seatrial worker --labels`) to carry changes there."""


class Identity(Value):
    """Who may ask by a token that a CI system made and signed (OpenID Connect)."""

    issuer: Annotated[str, StringConstraints(min_length=1, max_length=300)]
    """The claim `iss`, exactly."""
    audience: Annotated[str, StringConstraints(min_length=1, max_length=300)]
    """What the claim `aud` must hold, exactly."""
    jwks_url: str = ""
    """Where the issuer's keys are, by https."""
    jwks_file: str = ""
    """A file with the issuer's keys instead."""
    claims: Annotated[dict[str, Pattern], Field(min_length=1, max_length=20)]
    """Patterns that these claims must fit, all of them."""
    name: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    """Who asks by it; `{claim}` stands for what a claim says."""
    scopes: Annotated[tuple[str, ...], Field(min_length=1)]
    """What it allows, as `seatrial token create --scope`."""
    targets: tuple[Name, ...] = ()
    """The targets that it is bound to; empty: all."""

    @property
    def named_claims(self) -> tuple[str, ...]:
        """The claims that the name is made of."""
        return tuple(_IN_TEMPLATE.findall(self.name))

    def called(self, values: dict[str, str]) -> str:
        """The name, by the claims that it is made of."""
        return _IN_TEMPLATE.sub(lambda found: values[found[1]], self.name)

    @model_validator(mode="after")
    def _narrow(self) -> "Identity":
        if bool(self.jwks_url) == bool(self.jwks_file):
            raise ValueError("give exactly one of jwks_url and jwks_file")
        if self.jwks_url:
            parts = urlsplit(self.jwks_url)
            if parts.scheme != "https" and not (parts.scheme == "http" and is_here(parts.hostname or "")):
                raise ValueError(f"'{self.jwks_url}': keys are fetched by https")
        if not any(set(pattern) - {"*", "?", "/"} for pattern in self.claims.values()):
            raise ValueError("these claims fit everybody; name at least one that is yours")
        return self


class Webhooks(Value):
    """Where webhooks may go."""

    allow: tuple[Network, ...] = ()
    """Networks beside the open internet, as `10.0.0.0/8`; plain http goes to these alone."""


class Generator(Value):
    """What makes a change of a wish, for the compatible interface; its answer is judged as anybody's."""

    command: Annotated[tuple[Annotated[str, StringConstraints(min_length=1)], ...], Field(min_length=1)]
    """The program, by its whole path, and its arguments: it reads the request as JSON and prints a unified diff."""
    timeout: Annotated[Duration, Field(gt=0, le=600)] = 120.0
    """How long it may take."""


class Configuration(Value):
    """The file of `seatrial serve` and `seatrial worker`."""

    seatrial_server: Literal[1] = Field(alias="seatrial-server")
    listen: str = "127.0.0.1:8642"
    """An address with a port, or `unix:PATH`."""
    most_change: Size = 8 * 2**20
    """Bytes of a request to check or submit."""
    slots: Annotated[int, Field(ge=1, le=256)] = 2
    """Runs that one worker carries at once."""
    repos: dict[Name, Repository] = {}
    targets: dict[Name, Destination] = {}
    generator: Generator | None = None
    """What `code/generate` asks; without it, whoever asks sends a patch."""
    identities: Annotated[tuple[Identity, ...], Field(max_length=100)] = ()
    """CI systems whose own tokens are taken."""
    webhooks: Webhooks = Webhooks()

    @property
    def labels(self) -> frozenset[str]:
        """All that repositories and targets ask workers for."""
        return frozenset(label for known in (self.repos, self.targets) for one in known.values() for label in one.labels)

    @model_validator(mode="after")
    def _known(self) -> "Configuration":
        for name, target in self.targets.items():
            if target.repo not in self.repos:
                raise ValueError(f"target '{name}' is of the repository '{target.repo}', which is not among `repos`")
        for identity in self.identities:
            if unknown := sorted(set(identity.targets) - set(self.targets)):
                raise ValueError(f"an identity is bound to the target '{unknown[0]}', which is not among `targets`")
        return self
