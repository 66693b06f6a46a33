"""What this host's npm settings say about reaching the package registry, for image builds only."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

_KEPT = re.compile(
    r"(?:@[\w.~-]+:)?registry|//\S+:(?:_auth\w*|username|_password|email)|(?:https?-)?proxy|no-?proxy|strict-ssl|replace-registry-host"
)
_VARIABLES = ("registry", "proxy", "https_proxy", "noproxy", "strict_ssl")
_REFERENCE = re.compile(r"\$\{(\w+)\}")


@dataclass(frozen=True)
class NpmSettings:
    """The lines of an npmrc file and the variables that a build needs. May hold passwords: never in an image, never shown."""

    npmrc: bytes = field(repr=False)
    env: Mapping[str, str] = field(repr=False)


def npm_settings(environ: Mapping[str, str]) -> NpmSettings:
    """Registries, their credentials and proxies of this host; the user's file wins over the machine's, variables over both."""
    home = Path(environ.get("HOME") or Path.home())
    user = environ.get("NPM_CONFIG_USERCONFIG") or environ.get("npm_config_userconfig")
    files = (Path("/etc/npmrc"), Path("/usr/etc/npmrc"), Path("/usr/local/etc/npmrc"), Path(user) if user else home / ".npmrc")
    lines: dict[str, str] = {}
    for file in files:
        lines.update(_settings(file, environ))
    given = {name.lower(): value for name, value in environ.items() if name.lower().startswith("npm_config_")}
    env = {f"npm_config_{name}": given[f"npm_config_{name}"] for name in _VARIABLES if given.get(f"npm_config_{name}")}
    return NpmSettings("".join(f"{name}={value}\n" for name, value in lines.items()).encode(), env)


def _settings(file: Path, environ: Mapping[str, str]) -> dict[str, str]:
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return {}
    pairs = (line.partition("=") for line in text.splitlines() if not line.lstrip().startswith(("#", ";")))
    found = {name.strip(): value.strip() for name, equals, value in pairs if equals and _KEPT.fullmatch(name.strip())}
    return {
        name: _REFERENCE.sub(lambda match: environ.get(match[1], match[0]), value)
        for name, value in found.items()
        if os.linesep not in value
    }
