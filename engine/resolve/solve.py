"""Resolve a problem: pure, synchronous, the same answer for the same problem and source."""

from __future__ import annotations

import msgspec
from resolvelib import ResolutionImpossible, ResolutionTooDeep

from ppm.engine.errors import ResolutionError
from ppm.engine.ports import PackageSource
from ppm.engine.resolve.answer import InconsistentError, assemble
from ppm.engine.resolve.catalogue import Catalogue, Remembered
from ppm.engine.resolve.direct import Places, PlacesFirst
from ppm.engine.resolve.doom import Doom, Edge, HopelessError
from ppm.engine.resolve.exhaustive import search_exhaustively
from ppm.engine.resolve.explain import Failure, explain
from ppm.engine.resolve.problem import Problem, Resolution
from ppm.engine.resolve.provider import Provider
from ppm.engine.resolve.reporter import Observer, Recorder
from ppm.engine.resolve.search import Search
from ppm.engine.resolve.suggest import suggest

MAX_ROUNDS = 200_000
"""pip's figure: far beyond any resolution that ends well."""

SUGGESTION_ROUNDS = 2_000
"""A suggestion that takes longer to check is not made."""


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """One resolution in the making."""

    problem: Problem
    catalogue: Catalogue
    doom: Doom
    provider: Provider
    recorder: Recorder

    def failure(self, causes: tuple[Edge, ...]) -> Failure:
        """What is known of a failure with these causes."""
        return Failure(
            problem=self.problem,
            catalogue=self.catalogue,
            edges=self.recorder.edges,
            causes=causes,
        )


class ImpossibleError(Exception):
    """No set of versions fits."""

    def __init__(self, failure: Failure) -> None:
        super().__init__()
        self.failure = failure


def begin(problem: Problem, source: PackageSource, observer: Observer | None = None) -> Run:
    """Set the parts up.

    Raises:
        RequirementError: A root requirement or constraint does not parse or cannot be honoured.
    """
    catalogue = Catalogue(problem, source)
    doom = Doom(catalogue)
    provider = Provider(catalogue, doom)
    return Run(
        problem=problem,
        catalogue=catalogue,
        doom=doom,
        provider=provider,
        recorder=Recorder(provider.upcoming, observer),
    )


def resolve(
    problem: Problem, source: PackageSource, *, observer: Observer | None = None
) -> Resolution:
    """Find the versions that fit.

    Raises:
        RequirementError: A root requirement or constraint does not parse or cannot be honoured.
        ResolutionError: No set of versions fits; the message says why, the hint what would.
        IndexFailure: An index fails. NotCached: The source may not ask it.
    """
    remembered = Remembered(PlacesFirst(Places(problem.directs), source))
    run = begin(problem, remembered, observer)
    try:
        return search(run, MAX_ROUNDS)
    except ImpossibleError as impossible:
        error = explain(impossible.failure)
        hint = suggest(impossible.failure, lambda relaxed: attempt(relaxed, remembered))
        error.hint = hint or error.hint
        raise error from None
    except ResolutionTooDeep:
        raise ResolutionError(
            f"gave up after {MAX_ROUNDS} steps",
            code="RESOLUTION_TOO_DEEP",
            hint="pin or limit some of your requirements",
        ) from None


def search(run: Run, max_rounds: int) -> Resolution:
    """A checked answer.

    Raises:
        ImpossibleError: There is none. ResolutionTooDeep: None was found in so many rounds.
    """
    resolution = Search(run.provider, run.recorder)
    try:
        try:
            state = resolution.resolve(run.catalogue.roots.needs, max_rounds=max_rounds)
            return assemble(run.catalogue, run.recorder, state.mapping)
        except InconsistentError as inconsistent:
            causes = inconsistent.causes
        except ResolutionImpossible as impossible:
            causes = tuple((need, parent) for need, parent in impossible.causes)
        if resolution.doubtful and (found := search_exhaustively(run.catalogue, run.provider)):
            return assemble(run.catalogue, run.recorder, found)
    except HopelessError as hopeless:
        causes = run.doom.edges(hopeless.name)
    raise ImpossibleError(run.failure(causes))


def attempt(problem: Problem, source: PackageSource) -> Resolution | None:
    """Resolve within a few rounds, or ``None``: for checking a suggestion."""
    try:
        return search(begin(problem, source), SUGGESTION_ROUNDS)
    except (ImpossibleError, ResolutionTooDeep):
        return None
