"""Declares, checks and runs the stages for a query."""
