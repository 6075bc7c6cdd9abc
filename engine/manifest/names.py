"""Names of distributions, groups and extras, without loading a requirement parser."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ppm.engine.errors import RequirementError

if TYPE_CHECKING:
    from packaging.requirements import Requirement

_NAME = r"(?i)[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?\Z"
_LEADING_NAME = r"(?i)\s*([a-z0-9](?:[a-z0-9._-]*[a-z0-9])?)\s*(?=[\[<>=!~;@(]|\Z)"


def normalise_name(name: str) -> str:
    """The name in the form that compares equal (packaging specifications, "Name normalization")."""
    text = name.replace("_", "-").replace(".", "-")
    while "--" in text:
        text = text.replace("--", "-")
    return text.lower()


def is_name(text: str) -> bool:
    """Whether ``text`` may name a project, a dependency group or an extra."""
    return re.match(_NAME, text) is not None


def requirement_name(text: str) -> str | None:
    """The normalised name a PEP 508 requirement begins with, or ``None`` if there is none.

    Only the name and the character after it are looked at; :func:`parse_requirement` checks all.
    """
    match = re.match(_LEADING_NAME, text)
    return normalise_name(match[1]) if match else None


def parse_requirement(text: str) -> Requirement:
    """Read a PEP 508 requirement.

    Raises:
        RequirementError: It does not parse; the message shows where.
    """
    from packaging.requirements import InvalidRequirement, Requirement

    from ppm.engine.redact import redact_text

    try:
        return Requirement(text)
    except InvalidRequirement as error:
        raise RequirementError(
            f"{redact_text(text)!r} is not a requirement: {redact_text(str(error))}",
            hint="write it like 'name', 'name>=1.2,<2' or 'name[extra]; python_version < \"3.12\"'",
        ) from error
