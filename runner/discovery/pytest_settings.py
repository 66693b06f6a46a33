"""What pytest's configuration asks of the environment: plugins that its keys and options belong to."""

from collections.abc import Iterator
from typing import Any

from runner.discovery.base_files import BaseFiles, at, table, texts
from runner.discovery.libraries import needed_by_settings
from runner.trial.pytest_options import PytestConfig, kept


def plugins(files: BaseFiles, config: PytestConfig) -> Iterator[tuple[str, str]]:
    """Distributions, or whole requirements, and the key that needs each."""
    settings = settings_of(files, config)
    for line in texts(settings.get("required_plugins")):
        for requirement in line.split():
            yield requirement, f"required_plugins in {config.file}"
    for distribution, key in needed_by_settings(settings, kept(config.addopts)[0]).items():
        yield distribution, f"{key} in {config.file}"


def settings_of(files: BaseFiles, config: PytestConfig) -> dict[str, Any]:
    """The keys that the configuration file sets for pytest; empty when it is there for something else."""
    path = config.file
    if path is None:
        return {}
    if path.endswith(".toml"):
        document = files.toml(path)
        return (
            table(at(document, "tool", "pytest", "ini_options")) or table(at(document, "tool", "pytest")) or table(document.get("pytest"))
        )
    sections = files.ini(path)
    return dict(sections.get("tool:pytest" if path.endswith(".cfg") else "pytest", {}))
