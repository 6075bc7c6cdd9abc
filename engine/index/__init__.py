"""Package indexes: the simple API, its cache and the metadata ladder."""
