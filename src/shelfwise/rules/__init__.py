"""What the merchandiser says: conditions over items and requests, and what pins, boosts, buries, blocks, requires."""
