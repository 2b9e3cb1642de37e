"""Records (items, users, events), vectors and model versions: everything that must survive."""
