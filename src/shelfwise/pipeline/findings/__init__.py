"""What is wrong with the catalogue's data, item by item: a look at all of it, counted by kind."""
