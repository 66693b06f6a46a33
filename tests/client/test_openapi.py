"""The client against what a real server says of itself at `/openapi.json`."""

from typing import Any

import pytest

from runner.client import calls
from runner.client.answers import Accepted, Page, Shown, Summary
from runner.client.keys import key
from runner.client.wanted import Wanted
from runner.model.value import Value

CHECK = Wanted(content=b"x", kind="diff", base="b" * 40, repo="app", gates="enforce")
SUBMIT = Wanted(content=b"x", kind="edits", base="b" * 40, target="app-main", agent="a", ticket="t")


@pytest.fixture(scope="module")
def document(served: Any) -> dict[str, Any]:
    found: dict[str, Any] = served.document()
    return found


def operation(document: dict[str, Any], call: calls.Call) -> dict[str, Any]:
    found: dict[str, Any] = document["paths"][call.path][call.method.lower()]
    return found


def resolved(document: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return schema


def parameters(document: dict[str, Any], call: calls.Call, where: str) -> dict[str, dict[str, Any]]:
    return {one["name"]: one for one in operation(document, call).get("parameters", ()) if one["in"] == where}


@pytest.mark.parametrize("call", calls.ALL, ids=lambda call: f"{call.method} {call.path}")
def test_every_call_is_one_that_the_server_knows(document: dict[str, Any], call: calls.Call) -> None:
    known = operation(document, call)
    assert [*parameters(document, call, "path")] == (["run"] if "{run}" in call.path else [])
    assert "security" in known
    assert {status for status in known["responses"] if status.startswith("2")}


@pytest.mark.parametrize("call", [call for call in calls.ALL if call.method == "POST"], ids=lambda call: call.path)
def test_what_changes_something_has_a_key(document: dict[str, Any], call: calls.Call) -> None:
    schema = parameters(document, call, "header")["Idempotency-Key"]["schema"]
    text = next(each for each in schema.get("anyOf", [schema]) if each.get("type") == "string")
    lengths = {len(key([b""], {})), len(key([b""], {"BUILD_TAG": "x"}))}
    assert text["minLength"] <= min(lengths)
    assert max(lengths) <= text["maxLength"]


@pytest.mark.parametrize("call", [call for call in calls.ALL if call.method == "GET"], ids=lambda call: call.path)
def test_nothing_is_required_that_is_not_sent(document: dict[str, Any], call: calls.Call) -> None:
    required = {name for name, one in parameters(document, call, "query").items() if one.get("required")}
    assert required == set()
    sent = {calls.LIST: {"limit", "after"}, calls.LOGS: {"suite"}, calls.EVENTS: {"run", "after"}}.get(call, set())
    assert sent <= set(parameters(document, call, "query"))


@pytest.mark.parametrize("wanted", [CHECK, SUBMIT], ids=["check", "submit"])
def test_a_change_is_sent_in_a_form_that_the_server_takes(document: dict[str, Any], wanted: Wanted) -> None:
    form = resolved(document, operation(document, calls.SUBMIT)["requestBody"]["content"]["multipart/form-data"]["schema"])
    assert {*wanted.fields, *wanted.body["files"]} <= set(form["properties"])
    assert set(form.get("required", ())) <= {*wanted.fields, *wanted.body["files"]}
    for name, text in wanted.fields.items():
        schema = form["properties"][name]
        assert text in schema.get("enum", [text])
        assert len(text) <= schema.get("maxLength", len(text))


@pytest.mark.parametrize("verb", calls.DECIDE)
def test_a_word_about_a_run_has_the_body_that_the_server_takes(document: dict[str, Any], verb: str) -> None:
    body = resolved(document, operation(document, calls.DECIDE[verb])["requestBody"]["content"]["application/json"]["schema"])
    assert set(body["required"]) == set(body["properties"]) == {"reason"}


def test_a_retry_has_no_body(document: dict[str, Any]) -> None:
    assert not operation(document, calls.RETRY).get("requestBody", {}).get("required", False)


def fields_of(model: type[Value]) -> set[str]:
    return {name for name, field in model.model_fields.items() if field.is_required()}


@pytest.mark.parametrize(
    ("call", "status", "model"),
    [
        (calls.SUBMIT, "202", Accepted),
        (calls.LIST, "200", Page),
        (calls.SHOW, "200", Shown),
        (calls.RETRY, "202", Accepted),
        *((call, "202", Accepted) for call in calls.DECIDE.values()),
    ],
    ids=lambda given: getattr(given, "path", getattr(given, "__name__", given)),
)
def test_what_is_read_of_an_answer_is_in_it(document: dict[str, Any], call: calls.Call, status: str, model: type[Value]) -> None:
    schema = resolved(document, operation(document, call)["responses"][status]["content"]["application/json"]["schema"])
    assert fields_of(model) <= set(schema["properties"])
    inner = schema["properties"].get("summary") or schema["properties"].get("runs", {}).get("items")
    if inner:
        assert fields_of(Summary) <= set(resolved(document, inner)["properties"])


def test_all_that_is_known_of_a_run_is_told(document: dict[str, Any]) -> None:
    """Also what servers did not tell at first, and whoever asks one of those goes without."""
    summary = resolved(document, document["components"]["schemas"]["RunSummary"])
    assert set(Summary.model_fields) == set(summary["properties"])


def test_events_are_a_stream(document: dict[str, Any]) -> None:
    assert "text/event-stream" in operation(document, calls.EVENTS)["responses"]["200"]["content"]
