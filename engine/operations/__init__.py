"""What verbs do to the world, step by step, on one open transaction."""
