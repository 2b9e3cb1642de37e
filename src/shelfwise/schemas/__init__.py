"""The nouns: items, users, events, queries, candidates and slates. No behaviour beyond checking themselves."""
