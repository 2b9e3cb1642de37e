"""The short way of well-formed requests, and that everything else goes the long one."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from fastapi import APIRouter, FastAPI, Request, Response
from pydantic import BaseModel, Field
from starlette.testclient import TestClient

from shelfwise.schemas.keys import KeyScope
from shelfwise.serve import problems
from shelfwise.serve.answers import Json
from shelfwise.serve.bodies import BodyLimit
from shelfwise.serve.callers import CALLER, LOCAL, needs
from shelfwise.serve.quick_route import QuickRoute
from shelfwise.serve.service import Current


class Asked(BaseModel):
    k: int = Field(ge=1)


@needs(KeyScope.RECOMMEND)
async def with_a_body(asked: Asked, request: Request, service: Current) -> Response:
    return Json({"k": asked.k, "path": request.url.path, "service": str(service), "body": await request.json()})


@needs(KeyScope.RECOMMEND)
async def without(request: Request, service: Current) -> Response:
    return Json({"bytes": len(await request.body()), "service": str(service)})


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> TestClient:
    app = FastAPI()
    router = APIRouter(route_class=QuickRoute)
    router.post("/with")(with_a_body)
    router.post("/without")(without)
    app.include_router(router)
    problems.install(app)
    app.state.opening = SimpleNamespace(service=lambda: "the service")
    app.add_middleware(BodyLimit)

    async def let_in(scope: Any, receive: Any, send: Any) -> None:
        await app(scope | {CALLER: LOCAL}, receive, send)

    return TestClient(let_in, raise_server_exceptions=True)


def test_what_is_well_formed_does_not_go_the_long_way(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    async def long_way(*_: Any) -> None:
        raise AssertionError("the long way")

    monkeypatch.setattr("fastapi.routing.APIRoute.handle", long_way)
    found = client.post("/with", json={"k": 3}).json()
    assert found == {"k": 3, "path": "/with", "service": "the service", "body": {"k": 3}}
    assert client.post("/without", content=b'{"a": 1}', headers={"content-type": "application/json"}).json() == {
        "bytes": 8,
        "service": "the service",
    }


@pytest.mark.parametrize("body", [b'{"k": 0}', b"{}", b"[]", b"", b"{k: 1}", b'{"k": NaN}', b"\xff"])
def test_what_is_wrong_is_told_as_everywhere(client: TestClient, body: bytes) -> None:
    answer = client.post("/with", content=body, headers={"content-type": "application/json"})
    assert answer.status_code in (400, 422)
    assert answer.headers["content-type"] == "application/problem+json"


def test_another_method_is_refused(client: TestClient) -> None:
    assert client.put("/with", json={"k": 1}).status_code == 405


def test_an_endpoint_that_wants_more_has_no_quick_route() -> None:
    @needs(KeyScope.RECOMMEND)
    async def more(asked: Asked, request: Request, service: Current, page: int = 0) -> Response:
        raise AssertionError

    @needs(KeyScope.RECOMMEND)
    async def reads(request: Request, service: Current) -> Response:
        raise AssertionError

    router = APIRouter(route_class=QuickRoute)
    with pytest.raises(TypeError, match="a quick route is a POST"):
        router.post("/more")(more)
    with pytest.raises(TypeError, match="a quick route is a POST"):
        router.get("/reads")(reads)
