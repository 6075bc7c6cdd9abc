"""One module a verb: a typer signature, a pure ``decide``, a thin ``run``."""
