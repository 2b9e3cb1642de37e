"""A shop's own files in: read, mapped to our columns, checked, quarantined where wrong, stored where right."""
