"""Rankers: put merged candidates in order.

To add one: a file with the class, its test, and a line in `BUILTIN`.
"""

BUILTIN = {
    "fusion": "shelfwise.rank.fusion:Fusion",
    "multi-objective": "shelfwise.rank.multi_objective:MultiObjective",
}
"""Fusion: one learned order, for one goal, from all retrievers' scores and what is known of user and item.
Multi-objective: every objective's prediction by one network; the request says what counts."""
