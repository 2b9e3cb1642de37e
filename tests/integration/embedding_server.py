"""A small server that speaks OpenAI's embeddings protocol; the name of the model says how it behaves."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
from collections import Counter
from typing import Any

import numpy as np
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

KEY = os.environ.get("EMBEDDING_SERVER_KEY", "")
DIM = 16

app = FastAPI()
asked: Counter[str] = Counter()
sent: list[dict[str, Any]] = []


def vector(text: str, dim: int) -> list[float]:
    """Words in buckets, and a little of the whole text: alike for texts alike, never 0, not of length 1."""
    found = np.random.default_rng(int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")).normal(size=dim)
    for word in text.lower().split():
        found[int.from_bytes(hashlib.sha256(word.encode()).digest()[:4], "big") % dim] += 4
    return [float(number) for number in found]


def refused(status: int, message: str, **headers: str) -> JSONResponse:
    return JSONResponse({"error": {"message": message}}, status, headers)


@app.get("/sent")
async def what_was_sent() -> list[dict[str, Any]]:
    return sent


@app.post("/v1/embeddings")
async def embeddings(request: Request) -> Any:
    body = json.loads(await request.body())
    key = request.headers.get("authorization", "").removeprefix("Bearer ")
    model = str(body["model"])
    sent.append({"model": model, "n": len(body["input"]), "input": body["input"], "dimensions": body.get("dimensions")})
    asked[model] += 1
    if KEY and key != KEY:
        return refused(401, f"Incorrect API key provided: {key}")
    if any(not text for text in body["input"]):
        return refused(400, "input cannot be an empty string")
    if model.startswith("busy-") and asked[model] <= 2:
        return refused(429, "slow down", **{"Retry-After": "1"})
    if model.startswith("failing-") and asked[model] <= 3:
        return refused(503, "warming up")
    if model.startswith("down-"):
        return refused(500, f"no luck with {key}")
    if model == "unknown":
        return refused(404, "the model 'unknown' does not exist")
    if model.startswith("slow-") and asked[model] <= 1:
        await asyncio.sleep(3)
    if model == "no-json":
        return JSONResponse("", 200, media_type="text/html")
    dim = body.get("dimensions") or DIM
    if model == "changing" and asked[model] > 1:
        dim += 1
    if model == "stubborn":
        dim = DIM
    data = [
        {"object": "embedding", "index": place, "embedding": vector(text, dim)}
        for place, text in enumerate(body["input"])
    ]
    if model == "shuffled":
        data.reverse()
    if model == "lossy":
        data = data[1:]
    if model == "nought":
        data[0]["embedding"] = [0.0] * dim
    return {"object": "list", "model": model, "data": data}
