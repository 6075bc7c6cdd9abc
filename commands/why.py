"""``ppm why``: who brought a package, when, and why not a newer version."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import Annotated

import msgspec

from ppm.commands.options import Argument, JsonOption, ProjectOption, QuietOption, VerboseOption
from ppm.commands.output import Console
from ppm.commands.session import asking
from ppm.commands.showing import TargetOption, shown_target
from ppm.engine.environment.machine import machine_id
from ppm.engine.errors import ProjectError
from ppm.engine.manifest.names import normalise_name
from ppm.engine.paths import home_paths
from ppm.engine.plain import clean_line
from ppm.engine.why import (
    Chain,
    Newer,
    chains,
    changed,
    entered,
    installed,
    returned,
    why_not_newer,
)
from ppm.projections.project import Project
from ppm.projections.state import Environment
from ppm.projections.story import Deed, Story, story

_CHAINS_SHOWN = 5


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """Why a package is there.

    ``entered`` brought the package, ``changed`` its present version; ``returned`` is the rollback,
    undo or redo that brought it back, if the last change was one. ``installed`` brought
    ``installed_version`` (``""`` for none) into the environment. ``left`` took the package out of
    the lock, where it is no longer there (``version`` is ``""`` then). Each is None where the
    ledger does not tell.
    """

    name: str
    version: str
    target: str
    chains: tuple[Chain, ...]
    entered: Deed | None
    changed: Deed | None
    returned: Deed | None
    left: Deed | None
    installed_version: str
    installed: Deed | None
    newer: Newer | None


def why(
    name: Annotated[str, Argument("NAME", help="A package.")],
    *,
    target: TargetOption = "",
    json_output: JsonOption = False,
    verbose: VerboseOption = False,
    quiet: QuietOption = False,
    project: ProjectOption = None,
) -> None:
    """Tell who brought a package, when, by which command, and why not a newer version."""
    console = Console(json_output=json_output, verbose=verbose, quiet=quiet)
    with asking("why", project) as question:
        machine = machine_id(home_paths().root)
        known = question.project()
        wanted = normalise_name(name)
        shown = shown_target(known.lock, target, question.paths, console)
        if not target:
            shown = _having(wanted, known, shown)
        told = story(question.ledger.read(), wanted, machine, shown)
        found = answer(wanted, known, told, machine, shown)
        console.answer(found)
        for line in lines(found, verbose=verbose):
            console.say(clean_line(line))


def answer(name: str, known: Project, told: Story, machine: str, target: str) -> Answer:
    """Put together what the lock of ``target``, requirements and story say of ``name``.

    Raises:
        ProjectError: ``code="NOT_IN_HISTORY"``.
    """
    packages = known.lock.targets.get(target, {})
    found = chains(name, packages, known.state.requirements, told)
    if name not in packages and not told.lockings and not _is_asked(name, known):
        raise ProjectError(
            f"{name} is not locked or asked for, and never was",
            code="NOT_IN_HISTORY",
            hint="check the spelling; `ppm tree` shows what is locked",
        )
    version = packages[name].version if name in packages else ""
    environment = known.state.environments.get(machine, Environment())
    there = environment.packages.get(name)
    left = told.lockings[-1].deed if told.lockings and not version else None
    return Answer(
        name=name,
        version=version,
        target=target,
        chains=found,
        entered=entered(told) if version else None,
        changed=changed(told, version) if version else None,
        returned=returned(told) if version else None,
        left=left,
        installed_version=there.version if there is not None else "",
        installed=installed(told, there.version) if there is not None else None,
        newer=why_not_newer(told, version) if version else None,
    )


def _having(name: str, known: Project, target: str) -> str:
    """``target`` if it has the package, else one that has."""
    targets = known.lock.targets
    having = [one for one in sorted(targets) if name in targets[one]]
    return target if target in having or not having else having[0]


def _is_asked(name: str, known: Project) -> bool:
    return any(name in texts.values() for texts in known.state.requirements.values())


def lines(found: Answer, *, verbose: bool) -> Iterator[str]:
    """The answer for a person."""
    yield f"{found.name} {found.version}" if found.version else f"{found.name} is not in the lock"
    if found.left is not None:
        yield f"  left with     {deed_words(found.left)}"
        return
    shown = found.chains if verbose else found.chains[:_CHAINS_SHOWN]
    for chain in shown:
        yield from _chain_lines(chain)
    if len(shown) < len(found.chains):
        yield f"  … and {len(found.chains) - len(shown)} more ways (-v shows all)"
    if found.entered is not None:
        yield f"  locked since  {deed_words(found.entered)}"
    if found.changed is not None and found.changed != found.entered:
        yield f"  this version  {deed_words(found.changed)}"
    if found.returned is not None:
        yield f"  brought back  {deed_words(found.returned)}"
    if found.installed is not None:
        version = "" if found.installed_version == found.version else f"{found.installed_version}, "
        yield f"  installed     {version}{deed_words(found.installed)}"
    elif found.version:
        yield "  installed     no: `ppm apply` does it"
    if found.newer is not None:
        yield from _newer_lines(found.newer)


def _chain_lines(chain: Chain) -> Iterator[str]:
    root, *rest = chain.links
    group = f" ({chain.group})" if chain.group else ""
    yield f"  asked for     {root.requirement}{group}" + (
        f", {deed_words(chain.asked)}" if chain.asked is not None else ""
    )
    above = root
    for link in rest:
        yield f"    through     {above.name} {above.version}, which needs {link.requirement}"
        above = link


def _newer_lines(newer: Newer) -> Iterator[str]:
    for passed in newer.passed:
        yield f"  not {passed.version:<10}{passed.reason}"
    when = f"event {newer.chosen.seq}, {_time(newer.chosen)}"
    words = {
        "rejected": "",
        "none-known": f"nothing newer was known then ({when})",
        "lowest": f"the lowest version was asked for ({when})",
        "adopted": f"the lock came from elsewhere: pylock.toml was taken as it was ({when})",
    }[newer.verdict]
    if words:
        yield f"  not newer     {words}"
    for limit in newer.limits:
        yield f"  chosen with   {limit}"


def deed_words(deed: Deed) -> str:
    """``event 5, 2026-11-22 11:47:10 UTC, alice@laptop: ppm add rich (the note)``."""
    command = shlex.join(["ppm", deed.verb, *deed.argv]) if deed.verb else "(before any command)"
    note = f" ({deed.note})" if deed.note and deed.note not in deed.argv else ""
    return f"event {deed.seq}, {_time(deed)}, {deed.actor}: {command}{note}"


def _time(deed: Deed) -> str:
    return f"{deed.time[:19].replace('T', ' ')} UTC"
