"""A query that is only tried: the scenario's own slate beside another one."""

from __future__ import annotations

from fastapi import APIRouter, Response

from shelfwise.schemas.keys import KeyScope
from shelfwise.schemas.playground import PlaygroundAnswer, PlaygroundQuery
from shelfwise.serve import documentation
from shelfwise.serve.answers import NEVER_KEPT, Json
from shelfwise.serve.callers import GuardedRoute, needs
from shelfwise.serve.service import Current

router = APIRouter(tags=["playground"], route_class=GuardedRoute)


@router.post(
    "/playground", response_model=PlaygroundAnswer, responses=documentation.problems(400, 409, 413, 415, 422, 503)
)
@needs(KeyScope.ADMIN)
async def post_playground(asked: PlaygroundQuery, service: Current) -> Response:
    """Try weights, diversity and exploration for a user, or for a history that is made up.

    Answers with the scenario's own slate beside the tried one. Neither is kept, counted as shown, or tried out on
    anybody.
    """
    # On the event loop, as every answer is: the model follows the store meanwhile, and one at a time may.
    return Json(service.recommender.playground.compare(asked), headers=NEVER_KEPT)
