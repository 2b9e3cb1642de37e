"""Rerankers: make a slate of what the ranker ordered.

To add one: a file with the class, its test, and a line in `BUILTIN`.
"""

BUILTIN = {
    "mmr": "shelfwise.rerank.mmr:MMR",
    "dpp": "shelfwise.rerank.dpp:DPP",
    "calibrated": "shelfwise.rerank.calibrated:Calibrated",
    "coverage": "shelfwise.rerank.coverage:Coverage",
    "tail": "shelfwise.rerank.brakes:Tail",
    "fresh": "shelfwise.rerank.brakes:Fresh",
    "exposure": "shelfwise.rerank.exposure:Exposure",
    "window": "shelfwise.rerank.window:Window",
    "rules": "shelfwise.rerank.rules:Rules",
    "epsilon": "shelfwise.rerank.epsilon:Epsilon",
    "thompson": "shelfwise.rerank.thompson:Thompson",
}
"""MMR: unlike what was chosen already. DPP: a set that spans the most. Calibrated: the user's own mix of categories.
Coverage: every interest somewhere in the slate. Tail and fresh: brakes on popularity and age. Exposure: every seller
at least in proportion to its merit. Window: at most so many items of a brand, category or seller in any so many
places. Rules: what the merchandiser boosts, buries and pins; first of all steps where a place does not name it.
Epsilon, Thompson: try out some items, and tell with which chance; the last of all steps."""
