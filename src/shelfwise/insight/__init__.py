"""What a shop is told of itself: traffic, what came of answers, trends. It reads the store, beside the requests."""
