"""What would make a failed resolution work: tried, not guessed."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import msgspec

from ppm.engine.errors import IndexFailure
from ppm.engine.resolve.explain import Failure
from ppm.engine.resolve.problem import Policy, Problem, Resolution
from ppm.engine.resolve.requirement import normalize_name, parse_requirement, split_marker

MAX_ATTEMPTS = 6


class Relaxation(msgspec.Struct, frozen=True, kw_only=True):
    """A problem with one cause loosened, and how to say so.

    ``about`` is the project whose outcome is named; ``words`` may hold ``{version}``.
    """

    problem: Problem
    about: str
    words: str


def suggest(failure: Failure, attempt: Callable[[Problem], Resolution | None]) -> str:
    """The first of a few relaxations that resolves, in words, or ``""``.

    Raises:
        NotCached: A try asks for what the source may not fetch.
    """
    for number, relaxation in enumerate(_relaxations(failure)):
        if number == MAX_ATTEMPTS:
            break
        try:
            found = attempt(relaxation.problem)
        except IndexFailure:
            continue
        if found is not None:
            versions = {package.name: package.version for package in found.packages}
            return relaxation.words.format(version=versions.get(relaxation.about, ""))
    return ""


def _relaxations(failure: Failure) -> Iterator[Relaxation]:
    """Roots without their version limits, constraints dropped, policies widened, in this order."""
    yield from _without_root_limits(failure)
    yield from _without_constraints(failure)
    yield from _wider_policies(failure)


def _without_root_limits(failure: Failure) -> Iterator[Relaxation]:
    problem = failure.problem
    names = [need.name for need, parent in failure.chain if parent is None]
    for name in dict.fromkeys(names):
        loosened, limits = [], []
        for root in problem.roots:
            head, marker = split_marker(root.requirement)
            parsed = parse_requirement(head)
            if parsed.name == name and parsed.specifier:
                limits.append(parsed.text)
                bare = msgspec.structs.replace(parsed, specifier="").text
                text = f"{bare}; {marker}" if marker else bare
                loosened.append(msgspec.structs.replace(root, requirement=text))
            else:
                loosened.append(root)
        if limits:
            asked = " and ".join(dict.fromkeys(limits))
            yield Relaxation(
                problem=msgspec.structs.replace(problem, roots=tuple(loosened)),
                about=name,
                words=f"loosen {asked}: without that limit everything fits, "
                f"with {name} {{version}}",
            )


def _without_constraints(failure: Failure) -> Iterator[Relaxation]:
    problem = failure.problem
    involved = {need.name for need, _ in failure.chain}
    for text in problem.constraints:
        name = normalize_name(parse_requirement(split_marker(text)[0]).name)
        if name in involved:
            kept = tuple(other for other in problem.constraints if other != text)
            yield Relaxation(
                problem=msgspec.structs.replace(problem, constraints=kept),
                about=name,
                words=f"drop the constraint {text}: without it everything fits, "
                f"with {name} {{version}}",
            )


def _wider_policies(failure: Failure) -> Iterator[Relaxation]:
    problem = failure.problem
    policy = problem.policy
    wider: list[tuple[Policy, str]] = []
    if policy.prereleases != "allow":
        changed = msgspec.structs.replace(policy, prereleases="allow")
        wider.append((changed, "allow pre-releases (--prerelease allow)"))
    if policy.exclude_newer:
        changed = msgspec.structs.replace(policy, exclude_newer="")
        wider.append((changed, f"look past {policy.exclude_newer} (--exclude-newer)"))
    if (policy.no_build or policy.only_binary) and problem.target.builds:
        changed = msgspec.structs.replace(policy, no_build=False, only_binary=())
        wider.append((changed, "allow building from source (no --no-build)"))
    about = failure.causes[0][0].name
    for changed, words in wider:
        yield Relaxation(
            problem=msgspec.structs.replace(problem, policy=changed),
            about=about,
            words=f"{words}: then everything fits, with {about} {{version}}",
        )
