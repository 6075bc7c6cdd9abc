"""The fetch pipeline: download, hash, verify, store, unpack."""
