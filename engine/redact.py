"""The one place where credentials are taken out of text."""

from __future__ import annotations

import re
from collections.abc import Sequence

_USERINFO = r"(?i)\b([a-z][a-z0-9+.-]*://)([^/\s?#]*)@"
_HIDDEN_OPTION = (
    r"(?i)^--?[a-z0-9-]*(password|passwd|token|secret|passphrase|api-?key)[a-z0-9-]*(=|$)"
)
_HIDDEN_QUERY = (
    r"(?i)([?&](?:[a-z0-9_.-]*(?:token|secret|password|signature|api[_-]?key|credential)"
    r"[a-z0-9_.-]*|sig)=)[^&#\s]+"
)

HIDDEN = "****"


def redact_text(text: str) -> str:
    """Remove the userinfo of every URL in ``text`` and the values of secret query parameters.

    The user ``git`` of ``ssh`` URLs stays: it is a convention, not a secret.
    """
    if not any(mark in text for mark in "@?&"):
        return text

    def userinfo(match: re.Match[str]) -> str:
        return match[0] if match[2] == "git" else f"{match[1]}{HIDDEN}@"

    return re.sub(_HIDDEN_QUERY, rf"\g<1>{HIDDEN}", re.sub(_USERINFO, userinfo, text))


def as_text(text: str) -> str:
    """``text`` as it can be written as UTF-8: bytes that were no text become question marks."""
    return text.encode("utf-8", "replace").decode("utf-8")


def strip_credentials(url: str) -> str:
    """``url`` without userinfo, as it may stand in events, locks and cache keys."""
    if "@" not in url:
        return url
    return re.sub(_USERINFO, lambda match: match[0] if match[2] == "git" else match[1], url)


def public_text(text: str) -> str:
    """``text`` as it may be recorded: its URLs without userinfo and values of secret queries."""
    return redact_text(strip_credentials(text))


def redact_argv(argv: Sequence[str]) -> tuple[str, ...]:
    """Arguments as they may stand in the ledger: secret options lose their values."""
    cleaned: list[str] = []
    hide_next = False
    for argument in argv:
        text = as_text(argument)
        if hide_next:
            cleaned.append(HIDDEN)
            hide_next = False
        elif text.startswith("-") and (match := re.match(_HIDDEN_OPTION, text)):
            hide_next = match[2] != "="
            cleaned.append(text if hide_next else text.partition("=")[0] + "=" + HIDDEN)
        else:
            cleaned.append(redact_text(text))
    return tuple(cleaned)
