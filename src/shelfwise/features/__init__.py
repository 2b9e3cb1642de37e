"""What a ranker is told about an item, a user and the two together."""
