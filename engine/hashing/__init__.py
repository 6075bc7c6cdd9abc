"""Batched hashing behind one port."""
