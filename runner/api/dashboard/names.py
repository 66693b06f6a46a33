"""What repositories and targets are called: by the server's configuration where it knows them."""

from runner.api.named import called
from runner.model.configuration import Configuration
from runner.wiring.naming import names_of_target
from runner.wiring.repositories import clone_of


class Names:
    """The names of a configuration, both ways."""

    def __init__(self, configuration: Configuration) -> None:
        self._configuration = configuration
        self._paths = {one.path: name for name, one in configuration.repos.items() if one.path}
        self._folders = {f"/{clone_of(name, one)}": name for name, one in configuration.repos.items() if one.url}
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
        return called(name, self._configuration)
