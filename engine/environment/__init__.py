"""Environments: interpreters, immutable generations and the switch between them."""
