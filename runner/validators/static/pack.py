"""The rule pack as values: what follows from a hit of a rule, and what is said of it."""

import json
import re
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from runner.model.action import Action

_FILE = Path(__file__).with_name("rules.json")


class Rule(NamedTuple):
    """One rule of ours; `at_import` is what follows where the code runs as soon as the module is imported."""

    id: str
    outcome: Action
    at_import: Action
    message: str
    fix: str
    together: tuple[str, ...] = ()
    """Rules whose new hits in one file make one of this."""

    def action(self, *, at_import: bool, given: Action | None) -> Action:
        """What follows from a hit; what the policy gives takes the place of everything but a default to allow."""
        own = self.at_import if at_import else self.outcome
        return own if given is None or own == "allow" else given


class TextRule(NamedTuple):
    """A rule for lines of files that are no Python."""

    rule: Rule
    files: re.Pattern[str]
    pattern: re.Pattern[str]


class Pack(NamedTuple):
    """Everything the layer looks for."""

    rules: dict[str, Rule]
    texts: tuple[TextRule, ...]
    ruff: dict[str, Action]


@cache
def pack() -> Pack:
    """The pack as it ships."""
    read = json.loads(_FILE.read_bytes())
    texts = tuple(TextRule(_rule(given), re.compile(given["files"]), re.compile(given["pattern"])) for given in read["texts"])
    rules = [*(_rule(given) for given in read["rules"]), *(text.rule for text in texts)]
    return Pack({rule.id: rule for rule in rules}, texts, {code: given["outcome"] for code, given in read["ruff"].items()})


def _rule(given: dict[str, Any]) -> Rule:
    return Rule(
        given["id"],
        given["outcome"],
        given.get("at_import", given["outcome"]),
        given["message"],
        given["fix"],
        tuple(given.get("together", ())),
    )
