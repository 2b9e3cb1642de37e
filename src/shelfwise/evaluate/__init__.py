"""Offline evaluation: full ranking, splits without leakage, tuned baselines in the same run, intervals over users."""
