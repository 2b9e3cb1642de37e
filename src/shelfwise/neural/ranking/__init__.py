"""The multi-objective ranker's network: its inputs, layers, losses, training and export. Needed for training only."""
