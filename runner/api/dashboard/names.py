"""What repositories and targets are called: by the server's configuration where it knows them."""

from contextlib import suppress
from hashlib import sha256

from runner.errors import UsageError
from runner.model.configuration import Configuration
from runner.wiring.naming import key_of_target, names_of_target


class Names:
    """The names of a configuration, both ways."""

    def __init__(self, configuration: Configuration) -> None:
        self._configuration = configuration
        self._paths = {one.path: name for name, one in configuration.repos.items() if one.path}
        self._folders = {
            f"/{name}-{sha256(one.url.encode()).hexdigest()[:12]}.git": name for name, one in configuration.repos.items() if one.url
        }
        """The ends of the paths of what is fetched here."""

    def repository(self, value: str) -> str:
        """The name of a repository that the record has by its path."""
        return self._paths.get(value) or self._folders.get(value[value.rfind("/") :], value)

    def target(self, value: str) -> str:
        """The name of a target that the record has by what it is."""
        return next(iter(names_of_target(value, self._configuration)), value)

    def repositories(self, name: str, known: tuple[str, ...]) -> tuple[str, ...]:
        """All that the record may call a repository, of those that it is known to have."""
        return tuple({name, *(one for one in known if self.repository(one) == name)}) if name else ()

    def targets(self, name: str) -> tuple[str, ...]:
        """All that the record may call a target."""
        keys = set()
        with suppress(UsageError):  # it is none of ours, or another branch for each run
            keys = {key_of_target(name, self._configuration)}
        return (name, *keys) if name else ()
