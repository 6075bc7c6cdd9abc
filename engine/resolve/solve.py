"""Resolve a problem: pure, synchronous, the same answer for the same problem and source."""

from __future__ import annotations

import msgspec
from resolvelib import ResolutionImpossible, ResolutionTooDeep

from ppm.engine.errors import ResolutionError
from ppm.engine.ports import PackageSource
from ppm.engine.resolve.answer import assemble
from ppm.engine.resolve.candidates import Candidate
from ppm.engine.resolve.catalogue import Catalogue, Remembered
from ppm.engine.resolve.explain import Failure, explain
from ppm.engine.resolve.problem import Problem, Resolution
from ppm.engine.resolve.provider import Provider
from ppm.engine.resolve.reporter import Edge, Observer, Recorder
from ppm.engine.resolve.search import Search
from ppm.engine.resolve.suggest import suggest

MAX_ROUNDS = 200_000
"""pip's figure: far beyond any resolution that ends well."""

SUGGESTION_ROUNDS = 2_000
"""A suggestion that takes longer to check is not made."""


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """One resolution in the making."""

    catalogue: Catalogue
    provider: Provider
    recorder: Recorder


def begin(problem: Problem, source: PackageSource, observer: Observer | None = None) -> Run:
    """Set the parts up.

    Raises:
        RequirementError: A root requirement or constraint does not parse or cannot be honoured.
    """
    catalogue = Catalogue(problem, source)
    provider = Provider(catalogue)
    recorder = Recorder(provider.upcoming, observer)
    return Run(catalogue=catalogue, provider=provider, recorder=recorder)


def resolve(
    problem: Problem, source: PackageSource, *, observer: Observer | None = None
) -> Resolution:
    """Find the versions that fit.

    Raises:
        RequirementError: A root requirement or constraint does not parse or cannot be honoured.
        ResolutionError: No set of versions fits; the message says why, the hint what would.
        IndexFailure: An index fails. NotCached: The source may not ask it.
    """
    remembered = Remembered(source)
    run = begin(problem, remembered, observer)
    try:
        mapping = search(run, MAX_ROUNDS)
    except ResolutionImpossible as impossible:
        causes: tuple[Edge, ...] = tuple((need, parent) for need, parent in impossible.causes)
        failure = Failure(
            problem=problem, catalogue=run.catalogue, edges=run.recorder.edges, causes=causes
        )
        told = explain(failure)
        told.hint = suggest(failure, lambda relaxed: attempt(relaxed, remembered)) or told.hint
        raise told from None
    except ResolutionTooDeep:
        raise ResolutionError(
            f"gave up after {MAX_ROUNDS} steps",
            code="RESOLUTION_TOO_DEEP",
            hint="pin or limit some of your requirements",
        ) from None
    return assemble(run.catalogue, run.recorder, mapping)


def search(run: Run, max_rounds: int) -> dict[str, Candidate]:
    """The resolver's own answer: candidates by identifier, some perhaps no longer needed."""
    state = Search(run.provider, run.recorder).resolve(
        run.catalogue.roots.needs, max_rounds=max_rounds
    )
    return dict(state.mapping)


def attempt(problem: Problem, source: PackageSource) -> Resolution | None:
    """Resolve within a few rounds, or ``None``: for checking a suggestion."""
    run = begin(problem, source)
    try:
        mapping = search(run, SUGGESTION_ROUNDS)
    except (ResolutionImpossible, ResolutionTooDeep):
        return None
    return assemble(run.catalogue, run.recorder, mapping)
