"""The JSON API: one process that answers queries and takes up events and items as they happen."""
