"""Pure folds of the ledger and the canonical bytes of what they fold to."""
