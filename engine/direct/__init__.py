"""Requirements that name a place: a URL, a file or folder of this machine, a repository."""
