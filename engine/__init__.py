"""The world: ledger, index, resolver, pipeline, store, environments, and the ports between them."""
