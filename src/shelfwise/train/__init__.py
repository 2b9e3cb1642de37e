"""From records to a model version: fit the retrievers, fit the ranker on point-in-time examples, publish."""
