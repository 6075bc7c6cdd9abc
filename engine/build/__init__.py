"""Wheels built from source distributions, in isolation (PEP 517)."""
