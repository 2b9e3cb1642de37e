"""What models learn from: interactions, the catalogue as arrays, splits and point-in-time examples."""
