"""The OpenAPI document is true: requests made from it are answered as it says, and never with a 5xx."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode, checks

pytestmark = pytest.mark.online

CHECKS = [
    checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
]


WITH_INPUT = [
    ("POST", "/v1/events"),
    ("POST", "/v1/recommend"),
    ("POST", "/v1/items"),
    ("PUT", "/v1/items/{item_id}"),
    ("GET", "/v1/items/{item_id}/similar"),
    ("GET", "/v1/items/{item_id}/picture"),
    ("GET", "/v1/trending"),
    ("PUT", "/v1/rules"),
    ("PUT", "/v1/scenarios/{name}"),
    ("POST", "/v1/scenarios/{name}/undo"),
    ("POST", "/v1/playground"),
    ("POST", "/v1/rules/rollback"),
    ("POST", "/v1/visitors"),
    ("POST", "/v1/search"),
    ("GET", "/v1/cards"),
    ("GET", "/v1/items"),
    ("PATCH", "/v1/items/{item_id}"),
    ("POST", "/v1/models/{version}/promote"),
    ("POST", "/v1/models/rollback"),
    ("GET", "/v1/audit"),
    ("GET", "/v1/items/{item_id}/insight"),
    ("GET", "/v1/catalogue/warnings"),
    ("GET", "/v1/users"),
    ("GET", "/v1/users/{user_id}/events"),
    ("GET", "/v1/users/{user_id}/slates"),
    ("GET", "/v1/insight/traffic"),
    ("GET", "/v1/insight/outcomes"),
    ("GET", "/v1/insight/trends"),
    ("GET", "/v1/insight/arrivals"),
    ("GET", "/v1/insight/searches"),
    ("POST", "/v1/rules/check"),
    ("GET", "/v1/rules/completions"),
    ("POST", "/v1/events/check"),
    ("GET", "/v1/imports"),
    ("GET", "/v1/quarantine/lines"),
    ("POST", "/v1/quarantine/retry"),
    ("GET", "/v1/models/compare"),
    ("POST", "/v1/map/items"),
]
ANY_INPUT_IS_RIGHT = [
    ("GET", "/v1/items/{item_id}"),
    ("DELETE", "/v1/items/{item_id}"),
    ("GET", "/v1/health/ready"),
    ("GET", "/v1/client.js"),
    ("GET", "/v1/insight/state"),
    ("GET", "/v1/insight/drift"),
    ("GET", "/v1/rules"),
    ("GET", "/v1/rules/history"),
    ("GET", "/v1/scenarios"),
    ("GET", "/v1/scenarios/{name}"),
    ("GET", "/v1/scenarios/{name}/history"),
    ("GET", "/v1/rules/history/{version}"),
    ("GET", "/v1/imports/{import_id}"),
    ("GET", "/v1/quarantine"),
    ("GET", "/v1/quarantine/download"),
    ("GET", "/v1/keys"),
    ("GET", "/metrics"),
    ("GET", "/v1/models"),
    ("GET", "/v1/models/{version}"),
    ("GET", "/v1/trainings"),
    ("GET", "/v1/trainings/{name}"),
    ("DELETE", "/v1/trainings/{name}"),
    ("GET", "/v1/map"),
    ("GET", "/v1/map/points"),
    ("GET", "/v1/slates/{slate_id}"),
    ("DELETE", "/v1/keys/{key_id}"),
    ("GET", "/v1/users/{user_id}"),
    ("GET", "/v1/users/{user_id}/export"),
    ("DELETE", "/v1/users/{user_id}"),
    ("GET", "/v1/shelves"),
    ("GET", "/v1/visitors/me"),
    ("DELETE", "/v1/visitors/me"),
]
CASES = [
    *((*operation, GenerationMode.POSITIVE) for operation in (*WITH_INPUT, *ANY_INPUT_IS_RIGHT)),
    *((*operation, GenerationMode.NEGATIVE) for operation in WITH_INPUT),
]


@pytest.fixture(scope="module")
def described(server: Any) -> Any:
    return schemathesis.openapi.from_url(f"http://127.0.0.1:{server.port}/v1/openapi.json")


@pytest.mark.parametrize(("method", "path", "mode"), CASES)
def test_every_request_is_answered_as_documented(described: Any, method: str, path: str, mode: Any) -> None:
    operation = described[path][method]

    @settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(case=operation.as_strategy(generation_mode=mode))
    def answered(case: Any) -> None:
        case.call_and_validate(checks=CHECKS)

    answered()


def test_one_answers_ids_go_into_the_next_request(server: Any, tmp_path: Path) -> None:
    """What is put is looked at, changed, deleted and looked at again; `benchmarks/api_fuzz.py` does so at length."""
    report = tmp_path / "report.json"
    done = subprocess.run(
        [
            str(Path(sys.executable).parent / "schemathesis"), "run", f"http://127.0.0.1:{server.port}/v1/openapi.json",
            "--phases", "stateful", "--max-examples", "10", "--seed", "0", "--suppress-health-check", "all",
            "--checks", ",".join(check.__name__ for check in CHECKS), "--warnings", "off", "--no-color",
            "--exclude-path-regex", "^/v1/keys",  # from the first key on every request needs one
            "--generation-database", "none", "--report", "json", "--report-json-path", str(report),
        ],
        cwd=tmp_path, capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-4_000:]
    assert json.loads(report.read_text())["test_cases"]["generated"] > 50


def test_bodies_answers_and_problems_are_described(server: Any) -> None:
    document = server.http.get("/openapi.json").json()
    assert set(document["paths"]) == {
        "/v1/events",
        "/v1/recommend",
        "/v1/items",
        "/v1/items/{item_id}",
        "/v1/items/{item_id}/similar",
        "/v1/items/{item_id}/picture",
        "/v1/trending",
        "/v1/rules",
        "/v1/rules/history",
        "/v1/rules/rollback",
        "/v1/scenarios",
        "/v1/scenarios/{name}",
        "/v1/scenarios/{name}/history",
        "/v1/scenarios/{name}/undo",
        "/v1/playground",
        "/v1/rules/history/{version}",
        "/v1/rules/check",
        "/v1/rules/completions",
        "/v1/rules/preview",
        "/v1/events/check",
        "/v1/imports",
        "/v1/imports/{import_id}",
        "/v1/quarantine",
        "/v1/quarantine/lines",
        "/v1/quarantine/download",
        "/v1/quarantine/retry",
        "/v1/visitors",
        "/v1/keys",
        "/v1/keys/{key_id}",
        "/v1/audit",
        "/v1/search",
        "/v1/slates/{slate_id}",
        "/v1/shelves",
        "/v1/cards",
        "/v1/visitors/me",
        "/v1/models",
        "/v1/models/{version}/promote",
        "/v1/models/rollback",
        "/v1/items/{item_id}/insight",
        "/v1/catalogue/warnings",
        "/v1/users",
        "/v1/models/compare",
        "/v1/models/{version}",
        "/v1/trainings",
        "/v1/trainings/{name}",
        "/v1/map",
        "/v1/map/points",
        "/v1/map/items",
        "/v1/users/{user_id}",
        "/v1/users/{user_id}/events",
        "/v1/users/{user_id}/slates",
        "/v1/users/{user_id}/export",
        "/v1/health/live",
        "/v1/health/ready",
        "/v1/insight/traffic",
        "/v1/insight/outcomes",
        "/v1/insight/state",
        "/v1/insight/drift",
        "/v1/insight/trends",
        "/v1/insight/arrivals",
        "/v1/insight/searches",
        "/v1/client.js",
        "/metrics",
    }
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            assert operation["summary"]
            assert ("requestBody" in operation) == (method in ("post", "put", "patch")), (path, method)
            for status, answer in operation["responses"].items():
                if int(status) >= 400:
                    assert list(answer["content"]) == ["application/problem+json"], (path, status)
    assert {"Event", "Item", "ItemToPut", "Query", "Slate", "Problem"} <= set(document["components"]["schemas"])


def test_every_body_has_an_example(server: Any) -> None:
    document = server.http.get("/openapi.json").json()

    def example(schema: dict[str, Any]) -> Any:
        schema = schema.get("anyOf", [schema])[0]
        if "$ref" in schema:
            schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        return schema.get("examples")

    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            content = operation.get("requestBody", {}).get("content", {})
            if "application/json" in content:  # what is sent as a file has no example
                schema = content["application/json"]["schema"]
                assert example(schema), (path, method)
