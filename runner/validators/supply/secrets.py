"""Secrets in added lines, by the formats that providers give them; what is found never appears in a report."""

import json
import re
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from runner.errors import InfrastructureError
from runner.model.action import Action, Found, at_most, found
from runner.model.lines import new_lines
from runner.parsing import Source, parse

MOST_PLACES = 2000
"""Places of a change that look like a secret and are examined; with more the change is not judged."""
_INSIDE = Path(__file__).with_name("inside")
MOST_SEARCHED = 5000
"""Tokens of a text that are looked for within others of before; further ones are new unless they stood there by themselves."""
_BEFORE, _AFTER, _APART = 100, 400, 100
"""Characters of a line around what is seen at a glance; what follows closer than the last is in the same window."""
_FIX = "Remove it, withdraw it where it was issued, and read it from the environment."

_OURS = {
    "GitHub Token": r"github_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59}|\bgh[pousr]_[A-Za-z0-9]{36,255}\b",
    "Google API Key": r"\bAIza[0-9A-Za-z_-]{35}(?![0-9A-Za-z_-])",
    "Google OAuth Client Secret": r"\bGOCSPX-[0-9A-Za-z_-]{28}(?![0-9A-Za-z_-])",
    "Anthropic API Key": r"\bsk-ant-[a-z]{3,9}\d\d-[0-9A-Za-z_-]{80,}",
    "npm Token": r"\bnpm_[A-Za-z0-9]{36}\b",
    "Hugging Face Token": r"\bhf_[A-Za-z]{34}\b",
    "DigitalOcean Token": r"\bdo[opr]_v1_[0-9a-f]{64}\b",
    "Slack Token": r"\bxapp-\d-[A-Z0-9]+-\d+-[0-9a-f]{32,}",
    "AWS Secret Key": r"(?i:aws_?secret_?(?:access_?)?key)\s{0,3}[=:]\s{0,3}[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+])",
}
"""Formats that detect-secrets 1.5 does not know, or knows in quotes only."""
_OWN = re.compile("|".join(f"(?P<f{index}>{pattern})" for index, pattern in enumerate(_OURS.values())))
_GLANCE = re.compile(
    r"A3T|ABIA|ACCA|AKIA|ASIA|(?i:aws)[^\n]{0,60}[A-Za-z0-9/+]{40}|AccountKey=|://[^\s/@:]{1,80}:[^\s/@]{1,80}@|\bgh[pousr]_|github_pat_"
    r"|\bgl(?:pat|dt|ft|soat|rt|cbt|imt|ptt|agent)-|gloas-|GR1348941|eyJ[\w=-]{8}|[0-9a-z]{32}-us[0-9]|_authToken|\bsk-|BEGIN [A-Z0-9 ]{0,20}PRIVATE KEY"
    r"|PuTTY-User-Key|pypi-Ag|\bSG\.|(?i:xox[abposr]-|xapp-|hooks\.slack\.com)|sq0csp-|[rs]k_live_|(?:AC|SK)[a-z0-9]{32}|AIza|GOCSPX-|\bnpm_|\bhf_[A-Z]|\bdo[opr]_v1_"
)
"""What every format looks for, seen at a glance: only then a child is started, which takes a tenth of a second."""
_WEAK: dict[str, Action] = {
    "Basic Auth Credentials": "warn",
    "JSON Web Token": "hold",
    "Twilio API Key": "hold",
    "Mailchimp Access Key": "hold",
}
"""Formats that texts without a secret have as well: the most that follows."""
_IN_TESTS: dict[str, Action] = {"Private Key": "warn", "JSON Web Token": "warn"}
"""Kinds that tests need, and make for themselves."""
_PLACEHOLDER = re.compile(
    r"(?i)example|placeholder|change_?me|dummy|fake|redacted|sample|x{5}|\*{3}|your[-_ ]|<[a-z_ -]+>|0{8}|1234567890|abcdefghij|\$\{|\{\{"
)
_KEY_BODY = re.compile(r"[A-Za-z0-9+/]{40}")
_TOKEN = re.compile(r"[A-Za-z0-9+/=_.-]{16,}")


class Text(NamedTuple):
    """A changed text: what it was, what it is, and whether it is there for tests or for readers."""

    path: str
    old: bytes
    new: bytes
    is_test: bool


class _Place(NamedTuple):
    text: Text
    line: int
    window: str
    after: str
    """The line's rest and the next ones, where the body of a key would be."""


def findings(texts: Sequence[Text], action: Action) -> Iterator[Found]:
    """What is new and looks like a secret. Raises InfrastructureError when the detectors are not there."""
    places = list(islice((place for text in texts for place in _places(text)), MOST_PLACES + 1))
    if len(places) > MOST_PLACES:
        path = places[MOST_PLACES].text.path
        yield found("hold", path, "supply.secret", f"more than {MOST_PLACES} places look like a secret")._replace(unseen=True)
        places = places[:MOST_PLACES]
    told = _ours(places) | _detected(places) if places else set()
    for index, kind in sorted(told):
        place = places[index]
        if kind != "Private Key" or _KEY_BODY.search(place.after):
            yield _found(place, kind, action)


def _found(place: _Place, kind: str, action: Action) -> Found:
    action = at_most(action, _WEAK.get(kind, "fail"))
    if place.text.is_test:
        action = at_most(action, _IN_TESTS.get(kind, "hold"))
    if _PLACEHOLDER.search(place.window):
        action = at_most(action, "warn")
    article = "an" if kind[0] in "AEIO" else "a"
    return found(
        action, place.text.path, "supply.secret", f"what looks like {article} {kind} is added (not shown here)", fix=_FIX, line=place.line
    )


def _places(text: Text) -> Iterator[_Place]:
    if not _GLANCE.search(_decoded(text.new)):
        return
    fresh = new_lines(text.old, text.new)
    before = _Before(_decoded(text.old))
    for at, (number, line) in enumerate(fresh):
        seen = 0
        for match in _GLANCE.finditer(line):
            if match.start() < seen:
                continue
            seen = match.start() + _APART
            window = line[max(0, match.start() - _BEFORE) : match.end() + _AFTER]
            tokens = _TOKEN.findall(window)
            if not tokens or not all(map(before.has, tokens)):
                after = "\n".join([line[match.end() : match.end() + _AFTER], *(more[:200] for _, more in fresh[at + 1 : at + 6])])
                yield _Place(text, number, window, after)
            if len(line) <= _BEFORE + _AFTER:
                break  # the window is the line


class _Before:
    """What a text was: whether a token was in it, by itself or within another."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = frozenset(_TOKEN.findall(text))
        self._searched: dict[str, bool] = {}

    def has(self, token: str) -> bool:
        if token in self._tokens:
            return True
        if token not in self._searched:
            if len(self._searched) >= MOST_SEARCHED:
                return False
            self._searched[token] = token in self._text
        return self._searched[token]


def _decoded(content: bytes) -> str:
    return content.decode("utf-8", "surrogateescape")


def _ours(places: Sequence[_Place]) -> set[tuple[int, str]]:
    kinds = tuple(_OURS)
    return {
        (index, kinds[int((match.lastgroup or "f0")[1:])]) for index, place in enumerate(places) for match in _OWN.finditer(place.window)
    }


def _detected(places: Sequence[_Place]) -> set[tuple[int, str]]:
    from importlib.util import find_spec

    spec = find_spec("detect_secrets")
    if spec is None or not spec.origin:
        raise InfrastructureError("detect-secrets is not there", hint="Install seatrial anew with its dependencies.")
    asked = {"places": [str(Path(spec.origin).parent.parent)], "lines": [place.window for place in places]}
    (answer,) = parse([Source("leaks:found", json.dumps(asked).encode())], _INSIDE)
    if answer.state != "fine":
        raise InfrastructureError(
            f"detect-secrets gave no answer: {answer.message}", hint="Install seatrial anew; its dependency `detect-secrets` is damaged."
        )
    return {(index, kind) for index, kind, _ in json.loads(answer.data)}
