"""Patches that forge a verdict or break the example project behind its tests' back, by class, each with an honest twin."""

from testing.forgeries import (
    around,
    bombs,
    bytecode,
    configuration,
    containment,
    dependencies,
    detection,
    exits,
    honest_bugs,
    hooks,
    package_hooks,
    paths,
    reports,
    repository_machinery,
    rewriting,
    shadows,
    startup,
    unicode_tricks,
    values,
    weakening,
)
from testing.forgeries.forgery import TAXONOMY, Forgery

_FAMILIES = (
    honest_bugs,
    weakening,
    configuration,
    hooks,
    package_hooks,
    exits,
    reports,
    startup,
    shadows,
    values,
    around,
    bytecode,
    rewriting,
    detection,
    bombs,
    repository_machinery,
    dependencies,
    containment,
    paths,
    unicode_tricks,
)
FORGERIES: tuple[Forgery, ...] = tuple(forgery for family in _FAMILIES for forgery in family.FORGERIES)
__all__ = ["FORGERIES", "TAXONOMY", "Forgery"]
