"""The content-addressed store of wheels and sdists."""
