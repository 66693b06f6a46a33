"""How others read our formats: GitHub's runner, a Markdown renderer, and the schemas of SARIF and JUnit."""

import json
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, NamedTuple

import jsonschema
import xmlschema
from markdown_it import MarkdownIt

SCHEMAS = Path(__file__).parents[1] / "tests/reports/schemas"
COMMANDS = frozenset(
    [
        "add-mask",
        "add-matcher",
        "add-path",
        "debug",
        "echo",
        "endgroup",
        "error",
        "group",
        "notice",
        "remove-matcher",
        "save-state",
        "set-env",
        "set-output",
        "stop-commands",
        "warning",
    ]
)


class Command(NamedTuple):
    name: str
    properties: dict[str, str]
    data: str


def obeyed(line: str) -> Command | None:
    """What the runner of GitHub would do with a line of output: `::name k=v,k=v::data` first, then `##[name k=v;k=v]data` anywhere."""
    text = line.lstrip()
    if text.startswith("::") and (end := text.find("::", 2)) >= 0:
        name, _, rest = text[2:end].partition(" ")
        if name.lower() in COMMANDS:
            pairs = (part.split("=", 1) for part in rest.split(",") if "=" in part)
            return Command(name.lower(), {key.strip(): _plain(value, ":,") for key, value in pairs}, _plain(text[end + 2 :]))
    begin = line.find("##[")
    if begin >= 0 and (end := line.find("]", begin)) >= 0:
        name = line[begin + 3 : end].partition(" ")[0]
        if name.lower() in COMMANDS:
            return Command(name.lower(), {}, line[end + 1 :])
    return None


def _plain(text: str, also: str = "") -> str:
    for char in "\r\n" + also + "%":
        text = text.replace(f"%{ord(char):02X}", char)
    return text


class Page(HTMLParser):
    """A rendered page: its tags, its attributes, and its text inside and outside of code."""

    def __init__(self, markdown: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: set[str] = set()
        self.open: list[str] = []
        self.outside = self.inside = ""
        self.feed(MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).render(markdown))
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.open.append(tag)
        self.attributes.update(f"{tag} {name}={value}" for name, value in attrs)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "code" in self.open:
            self.inside += data
        else:
            self.outside += data


@cache
def _sarif() -> Any:
    return jsonschema.Draft7Validator(json.loads((SCHEMAS / "sarif-2.1.0.json").read_text()))


@cache
def _junit() -> Any:
    return xmlschema.XMLSchema(SCHEMAS / "junit-10.xsd")


def sarif_run(text: str) -> dict[str, Any]:
    """The only run of a valid SARIF log."""
    log = json.loads(text)
    _sarif().validate(log)
    (run,) = log["runs"]
    return run  # type: ignore[no-any-return]


def check_junit(text: str) -> None:
    """Raises when the XML is not valid."""
    _junit().validate(text)
