"""A load that does not wait for the server: requests leave when they are due, whatever became of those before."""
