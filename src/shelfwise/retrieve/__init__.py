"""Retrievers: each proposes a few hundred of the catalogue's items, for its own reason.

To add one: a file with the class, its test, and a line in `BUILTIN`.
"""

BUILTIN = {
    "transitions": "shelfwise.retrieve.transitions:Transitions",
    "cooccurrence": "shelfwise.retrieve.cooccurrence:Cooccurrence",
    "ease": "shelfwise.retrieve.ease:Ease",
    "factors": "shelfwise.retrieve.factors:Factors",
    "similar_users": "shelfwise.retrieve.similar_users:SimilarUsers",
    "content": "shelfwise.retrieve.content:Content",
    "sequence": "shelfwise.retrieve.sequence:Sequence",
    "popular": "shelfwise.retrieve.popular:Popular",
    "recent": "shelfwise.retrieve.recent:Recent",
    "complements": "shelfwise.retrieve.complements:Complements",
    "trending": "shelfwise.retrieve.trending:Trending",
    "breadth": "shelfwise.retrieve.breadth:Breadth",
    "again": "shelfwise.retrieve.again:Again",
}
