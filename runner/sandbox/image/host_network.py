"""What the host's settings say about reaching package indexes: proxies, indexes and certificates, for image builds only."""

import configparser
import os
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

_PROXIES = ("http_proxy", "https_proxy", "no_proxy", "all_proxy")
_ADDRESSES = ("index-url", "extra-index-url")
_PLAIN = ("trusted-host", "timeout", "retries")
_CERTIFICATES = ("PIP_CERT", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "CURL_CA_BUNDLE")
_SYSTEM_BUNDLES = (Path("/etc/ssl/certs/ca-certificates.crt"), Path("/etc/pki/tls/certs/ca-bundle.crt"), Path("/etc/ssl/cert.pem"))


@dataclass(frozen=True)
class HostNetwork:
    """Environment variables and the certificate bundle that a build needs. May hold passwords: never in an image, never shown."""

    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    certificates: bytes | None = field(default=None, repr=False)


def host_network(environ: Mapping[str, str], config_files: Iterable[Path]) -> HostNetwork:
    """The settings of this host: `PIP_*` and proxy variables win over pip's configuration files, later files over earlier ones."""
    options = {**_configured(config_files), **_from_environment(environ)}
    env = {name: environ[name] for proxy in _PROXIES for name in (proxy, proxy.upper()) if environ.get(name)}
    for option in _ADDRESSES:
        if addresses := [word for word in options.get(option, "").split() if urlsplit(word).scheme in ("http", "https")]:
            env[_variable(option)] = " ".join(addresses)
    env.update({_variable(option): options[option] for option in _PLAIN if options.get(option)})
    if options.get("proxy"):
        env[_variable("proxy")] = options["proxy"]
    return HostNetwork(env, _certificates(environ, options))


def pip_config_files(environ: Mapping[str, str]) -> tuple[Path, ...]:
    """Where pip on this host looks for its settings, in its order: every machine, this user, this environment, `PIP_CONFIG_FILE`."""
    named = environ.get("PIP_CONFIG_FILE", "")
    if named == os.devnull:
        return ()
    home = Path(environ.get("HOME") or Path.home())
    user = Path(environ.get("XDG_CONFIG_HOME") or home / ".config")
    usual = (Path("/etc/xdg/pip/pip.conf"), Path("/etc/pip.conf"), home / ".pip/pip.conf", user / "pip/pip.conf")
    return (*usual, Path(sys.prefix) / "pip.conf", *((Path(named),) if named else ()))


def _configured(files: Iterable[Path]) -> dict[str, str]:
    options: dict[str, str] = {}
    for file in files:
        parser = configparser.RawConfigParser()
        try:
            parser.read(file, encoding="utf-8")
        except (configparser.Error, OSError, UnicodeDecodeError):
            continue
        for section in ("global", "install"):
            if parser.has_section(section):
                options.update({name.replace("_", "-"): value for name, value in parser.items(section) if value})
    return options


def _from_environment(environ: Mapping[str, str]) -> dict[str, str]:
    wanted = (*_ADDRESSES, *_PLAIN, "proxy", "cert")
    found = {option: environ.get(_variable(option), "") for option in wanted}
    found["timeout"] = found["timeout"] or environ.get("PIP_TIMEOUT", "")
    return {option: value for option, value in found.items() if value}


def _variable(option: str) -> str:
    return "PIP_DEFAULT_TIMEOUT" if option == "timeout" else "PIP_" + option.replace("-", "_").upper()


def _certificates(environ: Mapping[str, str], options: Mapping[str, str]) -> bytes | None:
    named = [environ.get(name, "") for name in _CERTIFICATES[:1]] + [options.get("cert", "")]
    named += [environ.get(name, "") for name in _CERTIFICATES[1:]]
    for path in (*(Path(name) for name in named if name), *_SYSTEM_BUNDLES):
        if path.is_file():
            return path.read_bytes()
    return None
