"""The whole description of the interface against the server that it describes: whatever is sent, the answer is one that was told of."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from uuid import uuid4
from zlib import crc32

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from testing.served import UNFIT, Served, a_backup, application, serving

STREAM: Final = "/api/v1/events"
"""It has no end; it has tests of its own."""
CHECKS: Final = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
EXAMPLES: Final = 16


@pytest.fixture(scope="module")
def served(own_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server with a generator, which says what it is told."""
    with serving(tmp_path_factory.mktemp("served"), generator={"command": ["/bin/cat"]}) as made:
        yield made


@pytest.fixture(scope="module")
def known(served: Served) -> dict[str, str]:
    """What there is, by the path parameter that names it."""
    run = served.post("/api/v1/runs", {"command": "check", "repo": "app", "patch": UNFIT}, 202)["run"]
    served.over(run)
    return {"run": run, "backup": a_backup(served), "name": "app"}


schema = schemathesis.openapi.from_dict(application().openapi()).exclude(path=STREAM)


@schema.parametrize()
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_whatever_is_sent_the_answer_is_one_that_was_told_of(case: Any, served: Served, known: dict[str, str]) -> None:
    if isinstance(case.body, dict) and "/code/" in case.path:
        case.body["wait"] = 0
    for name, there in known.items():
        if name in case.path_parameters and crc32(str(case.path_parameters[name]).encode("utf-8", "surrogatepass")) % 2:
            case.path_parameters[name] = there  # else hardly anything would be asked about what there is
    headers = {"Authorization": f"Bearer {served.token}"}
    if not case.headers.get("Idempotency-Key"):
        headers["Idempotency-Key"] = uuid4().hex
    case.call_and_validate(base_url=served.url, headers=headers, checks=CHECKS, timeout=60)


def test_what_was_tested_is_what_the_server_describes(served: Served) -> None:
    assert httpx.get(f"{served.url}/openapi.json").json() == json.loads(json.dumps(application().openapi()))


def test_every_reference_of_the_description_leads_somewhere(served: Served) -> None:
    found = httpx.get(f"{served.url}/openapi.json").json()
    names = set(found["components"]["schemas"])
    assert set(_references(found)) <= {f"#/components/schemas/{name}" for name in names}


def test_every_answer_that_is_none_is_described_as_a_problem(served: Served) -> None:
    found = httpx.get(f"{served.url}/openapi.json").json()
    for path, operations in found["paths"].items():
        for method, operation in operations.items():
            assert "application/problem+json" in operation["responses"]["4XX"]["content"], (path, method)


def _references(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        if isinstance(part.get("$ref"), str):
            yield part["$ref"]
        for inner in part.values():
            yield from _references(inner)
    elif isinstance(part, list):
        for inner in part:
            yield from _references(inner)
