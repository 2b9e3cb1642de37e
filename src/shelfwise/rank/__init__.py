"""Rankers: put merged candidates in order.

To add one: a file with the class, its test, and a line in `BUILTIN`.
"""

BUILTIN = {"fusion": "shelfwise.rank.fusion:Fusion"}
