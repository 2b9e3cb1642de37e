"""The OpenAPI document: what FastAPI finds out itself, and the bodies and problems that it cannot see."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import iter_route_contexts
from pydantic import BaseModel

from shelfwise.schemas.events import Event
from shelfwise.schemas.items import Item
from shelfwise.schemas.keys import KeyScope
from shelfwise.serve.access import VISITOR_HEADER
from shelfwise.serve.bodies import MAX_MANY
from shelfwise.serve.callers import GuardedRoute, Need
from shelfwise.serve.problems import MEDIA_TYPE, FieldProblem, Problem

_REF = "#/components/schemas/"
PUT_ITEM, PATCH_ITEM = "ItemToPut", "ItemToPatch"

_MEANING = {
    400: "The body is no JSON.",
    401: "The API key is missing, wrong, ended or revoked; or the visitor's token is.",
    403: "The key may not do this, or is used for another visitor or by a page of another origin.",
    404: "There is nothing of that name.",
    409: "The shop has no model yet, or is in another state than the request asks for.",
    412: "The item is not in the state that `If-Match` or `If-None-Match` asks for.",
    413: "The body is too large.",
    414: "The URL is longer than the server reads.",
    415: "The body is not JSON.",
    422: "What was asked cannot be done; `errors` names the fields.",
    429: "More requests came than this key or visitor may send; `Retry-After` says when to go on.",
    431: "The request's headers are longer than the server reads.",
    500: "A mistake of the server.",
    503: "The server is loading, or its store is busy; ask again.",
}

Responses = dict[int | str, dict[str, Any]]


def problems(*statuses: int) -> Responses:
    """The problems that a path may answer, in the form that FastAPI takes."""
    return {
        status: {
            "description": _MEANING[status],
            "content": {MEDIA_TYPE: {"schema": {"$ref": f"{_REF}Problem"}}},
        }
        for status in statuses
    }


def body(schema: dict[str, Any], lines: str | None = None) -> dict[str, Any]:
    """The request body of a path that reads it itself, in the form that FastAPI takes as `openapi_extra`.

    Args:
        schema: Of JSON.
        lines: Name of the schema of a line, where JSON Lines are taken too.
    """
    content: dict[str, Any] = {"application/json": {"schema": schema}}
    if lines is not None:
        content["application/x-ndjson"] = {"itemSchema": reference(lines)}
    return {"requestBody": {"required": True, "content": content}}


def reference(name: str) -> dict[str, Any]:
    """A schema by its name."""
    return {"$ref": f"{_REF}{name}"}


def one_or_many(name: str, model: type[BaseModel]) -> dict[str, Any]:
    """The schema of one document, a list of them, or an object that holds the list."""
    one = reference(model.__name__)
    many = {"type": "array", "items": one, "minItems": 1, "maxItems": MAX_MANY}
    wrapped = {
        "type": "object",
        "properties": {name: many},
        "required": [name],
        "additionalProperties": False,
    }
    return {"anyOf": [one, many, wrapped]}


def install(app: FastAPI) -> None:
    """Let the app describe itself; made when first asked for."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _document(app)
        return app.openapi_schema

    app.openapi = openapi


def _document(app: FastAPI) -> dict[str, Any]:
    found = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
    components: dict[str, Any] = found.setdefault("components", {})
    schemas: dict[str, Any] = components.setdefault("schemas", {})
    for model in (Event, Item, Problem, FieldProblem):
        described = model.model_json_schema(ref_template=f"{_REF}{{model}}")
        schemas.update(described.pop("$defs", {}))
        schemas[model.__name__] = described
    to_put = deepcopy(schemas["Item"])
    to_put["required"] = [name for name in to_put["required"] if name != "item_id"]
    to_put["examples"] = [
        {name: value for name, value in one.items() if name != "item_id"} for one in to_put["examples"]
    ]
    to_put["description"] = "An item; `item_id` may be left out, since the path names it."
    schemas[PUT_ITEM] = {key: value for key, value in to_put.items() if key != "required" or value}
    to_patch = deepcopy(schemas[PUT_ITEM])
    to_patch["properties"] = {name: _or_null(one) for name, one in to_patch["properties"].items() if name != "item_id"}
    to_patch["description"] = "Fields of an item that change; null takes one away."
    to_patch["examples"] = [{"price": 6.9, "attributes": {"season": None}}]
    schemas[PATCH_ITEM] = to_patch
    components["securitySchemes"] = {
        "key": {
            "type": "http",
            "scheme": "bearer",
            "description": "A key; none is asked for on a machine's own server.",
        },
        "visitor": {
            "type": "apiKey",
            "in": "header",
            "name": VISITOR_HEADER,
            "description": "Beside a browser key: the token of `POST /v1/visitors`.",
        },
    }
    for route in iter_route_contexts(app.routes):
        operations = found["paths"].get(route.path_format)
        if operations is None:  # a web page, which is no part of the API
            continue
        if isinstance(route.original_route, GuardedRoute):
            for method in route.methods or ():
                _say_who(operations[method.lower()], route.original_route.need)
    return found


def _or_null(schema: dict[str, Any]) -> dict[str, Any]:
    if any(one.get("type") == "null" for one in schema.get("anyOf", ())):
        return schema
    return {"anyOf": [{name: value for name, value in schema.items() if name != "default"}, {"type": "null"}]}


def _say_who(operation: dict[str, Any], need: Need) -> None:
    if need.anybody:
        operation["security"] = []
        return
    operation["security"] = [{"key": []}, *([{"key": [], "visitor": []}] if need.browsers else [])]
    scopes = [scope.value for scope in KeyScope if scope in need.scopes | {KeyScope.ADMIN}]
    operation["x-scopes"] = scopes
    words = f"Scope: {' or '.join(f'`{scope}`' for scope in scopes)}"
    if need.own:
        words += "; browser keys for their own visitor."
    else:
        words += ", browser keys too." if need.browsers else "."
    operation["description"] = f"{operation['description']}\n\n{words}" if "description" in operation else words
