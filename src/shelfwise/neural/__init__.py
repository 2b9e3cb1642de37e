"""Networks that retrievers train: item tower, history encoder, objective, loop, export.

Only `settings` and `item_inputs` may be imported where a server runs: every other module needs torch and is imported
inside `fit`.
"""
