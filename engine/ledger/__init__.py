"""The append-only, hash-chained ledger: on disk and in memory."""
