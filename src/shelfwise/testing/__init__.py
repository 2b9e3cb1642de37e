"""Contract tests that every component of a kind inherits, and a small shop to run them on.

A plugin's author subclasses the contract of its kind in the plugin's own tests:

    class TestMine(RetrieverContract):
        def make(self) -> Retriever:
            return Mine(Mine.Config())
"""
