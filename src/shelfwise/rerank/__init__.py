"""Rerankers: make a slate of what the ranker ordered.

To add one: a file with the class, its test, and a line in `BUILTIN`.
"""

BUILTIN = {
    "window": "shelfwise.rerank.window:Window",
}
"""Window: at most so many items of a brand, category or seller in any so many places."""
