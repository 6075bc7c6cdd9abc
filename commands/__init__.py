"""One module a verb: a function whose signature declares the options, thin over the engine."""
