"""Which GPU backend a machine can use."""
