"""`shop.toml`: what it may say, how it is read, how it is drafted."""
