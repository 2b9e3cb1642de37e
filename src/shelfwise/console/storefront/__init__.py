"""A shop's own pages at `/shop`: everything that they show of it they ask of the public API, as any shop's pages do."""
