"""Wishes: limits that are kept as long as something fits within them. Pure."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from ppm.engine.errors import ResolutionError
from ppm.engine.resolve.problem import GivenUp, Problem, Resolution


def resolve_wishing(problem: Problem, solve: Callable[[Problem], Resolution]) -> Resolution:
    """Resolve with every wish; where that is impossible, with as many as go together.

    In their order: an earlier wish is kept before a later one.

    Raises:
        ResolutionError: Nothing fits even without wishes.
    """
    wishes = problem.policy.wishes
    try:
        return solve(_limited(problem, wishes))
    except ResolutionError:
        found = solve(_limited(problem, ()))
    kept: list[str] = []
    given_up: list[GivenUp] = []
    for wish in wishes:
        try:
            found = solve(_limited(problem, (*kept, wish)))
        except ResolutionError as error:
            reason = error.message.partition("\n")[0]
            given_up.append(GivenUp(wish=wish, reason=reason))
        else:
            kept.append(wish)
    told = tuple(f"preference {one.wish} given up: {one.reason}" for one in given_up)
    return msgspec.structs.replace(
        found, given_up=tuple(given_up), warnings=(*found.warnings, *told)
    )


def _limited(problem: Problem, wishes: tuple[str, ...]) -> Problem:
    policy = msgspec.structs.replace(problem.policy, wishes=())
    constraints = (*problem.constraints, *wishes)
    return msgspec.structs.replace(problem, policy=policy, constraints=constraints)
