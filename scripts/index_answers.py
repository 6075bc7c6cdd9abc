"""Asks the configured package index for one page; exit status 0 if it answers.

Run by ``quickstart.py`` inside the environment where PPM is installed. It does not use PPM's own
HTTP client: if that one were broken, the quick start must show it and not hide it.
"""

from __future__ import annotations

import ssl
import sys
import urllib.error
import urllib.request

from ppm.engine.index.pip_config import read_index_settings

PATIENCE_SECONDS = 15
FIRST_SERVER_ERROR = 500


def main() -> int:
    """Say whether the index answers."""
    settings = read_index_settings()
    page = settings.index_url + sys.argv[1] + "/"
    certificates = ssl.create_default_context(cafile=settings.ca_file)
    try:
        with urllib.request.urlopen(page, timeout=PATIENCE_SECONDS, context=certificates):  # noqa: S310 - the user's own index
            word = "answers"
    except urllib.error.HTTPError as error:
        # An index that asks for a login is there; a server in trouble is as good as none.
        error.close()
        word = "answers" if error.code < FIRST_SERVER_ERROR else f"says {error.code}"
    except OSError as error:
        word = f"does not answer ({getattr(error, 'reason', error)})"
    print(f"The package index that pip is configured with {word}.", flush=True)
    return 0 if word == "answers" else 1


if __name__ == "__main__":
    sys.exit(main())
