"""A second opinion before a problem is called impossible.

resolvelib replaces a pin that a later need rules out and keeps what followed from it. Where needs
go in circles, what it kept can rule out an answer that exists, or leave one that does not hold.
This search is plain and complete: every pin stands until all that follows from it has been tried.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TypeAlias

import msgspec

from ppm.engine.resolve.candidates import Candidate
from ppm.engine.resolve.catalogue import Catalogue
from ppm.engine.resolve.provider import Provider
from ppm.engine.resolve.requirement import Need

MAX_STEPS = 2_000
MAX_NEW_METADATA = 50
"""Where the search gives up: nearly all that it needs was looked at before."""

Needs: TypeAlias = "dict[str, tuple[Need, ...]]"


class Level(msgspec.Struct, frozen=True, kw_only=True):
    """The pins so far, all needs that follow from them, and what to try for the next identifier."""

    mapping: dict[str, Candidate]
    needs: Needs
    candidates: Iterator[Candidate]


def search_exhaustively(catalogue: Catalogue, provider: Provider) -> dict[str, Candidate] | None:
    """Candidates by identifier that fit, or ``None`` if there are none or it would take too long.

    Raises:
        HopelessError: There are none. IndexFailure, NotCached: As the source raises them.
    """
    most_metadata = catalogue.metadata_count + MAX_NEW_METADATA
    needs = _with({}, {}, catalogue.roots.needs, provider)
    levels = [] if needs is None else [_level({}, needs, provider)]
    for _ in range(MAX_STEPS):
        if not levels or catalogue.metadata_count > most_metadata:
            return None
        level = levels[-1]
        candidate = next(level.candidates, None)
        if candidate is None:
            levels.pop()
            continue
        mapping = {**level.mapping, candidate.identifier: candidate}
        needs = _with(level.needs, mapping, provider.get_dependencies(candidate), provider)
        if needs is None:
            continue
        if needs.keys() <= mapping.keys():
            return mapping
        levels.append(_level(mapping, needs, provider))
    return None


def _level(mapping: dict[str, Candidate], needs: Needs, provider: Provider) -> Level:
    following = next((name for name in needs if name not in mapping), "")
    candidates = _matches(following, needs, provider) if following else iter(())
    return Level(mapping=mapping, needs=needs, candidates=candidates)


def _with(
    needs: Needs, mapping: Mapping[str, Candidate], added: Iterable[Need], provider: Provider
) -> Needs | None:
    """All needs together, or ``None`` if a pin or every candidate contradicts one of them."""
    grown = dict(needs)
    for need in added:
        pin = mapping.get(need.identifier)
        if pin is not None and not need.accepts(pin.version):
            return None
        grown[need.identifier] = (*grown.get(need.identifier, ()), need)
        if pin is None and next(_matches(need.identifier, grown, provider), None) is None:
            return None
    return grown


def _matches(identifier: str, needs: Needs, provider: Provider) -> Iterator[Candidate]:
    requirements = {name: iter(on) for name, on in needs.items()}
    return provider.find_matches(identifier, requirements, {identifier: iter(())})()
