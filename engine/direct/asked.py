"""The direct references that requirements make."""

from __future__ import annotations

from collections.abc import Iterable

from ppm.engine.direct.reference import Reference, parse_reference
from ppm.engine.errors import RequirementError
from ppm.engine.redact import public_text
from ppm.engine.resolve.environment import TargetMarkers
from ppm.engine.resolve.problem import Problem
from ppm.engine.resolve.requirement import parse_requirement, split_marker
from ppm.engine.resolve.roots import applying_root


def references_in(requirements: Iterable[str]) -> dict[str, Reference]:
    """The references of PEP 508 texts, by their source; what does not parse has none."""
    found: dict[str, Reference] = {}
    for text in requirements:
        if "@" not in text:
            continue
        try:
            url = parse_requirement(split_marker(text)[0]).url
            reference = parse_reference(url) if url else None
        except (ValueError, RequirementError):
            continue  # Whoever resolves it says what is wrong with it.
        if reference is not None:
            found[reference.source] = reference
    return found


def references_of(problem: Problem) -> dict[str, Reference]:
    """What the roots of a problem refer to on its target, by name.

    Raises:
        RequirementError: ``CONFLICTING_REFERENCES``: two places for one name; a root that does not
            parse, or a reference that is not followed.
    """
    if not any("@" in root.requirement for root in problem.roots):
        return {}
    markers = TargetMarkers(problem.target)
    found: dict[str, Reference] = {}
    for root in problem.roots:
        parsed = applying_root(root, markers) if "@" in root.requirement else None
        if parsed is None or not parsed.url:
            continue
        reference = parse_reference(parsed.url)
        before = found.setdefault(parsed.name, reference)
        if before.source != reference.source:
            raise RequirementError(
                f"your project asks for {parsed.name} from two places: {public_text(before.source)}"
                f" and {public_text(reference.source)}",
                code="CONFLICTING_REFERENCES",
                hint="keep one of them, or tell them apart by their markers",
            )
    return found
