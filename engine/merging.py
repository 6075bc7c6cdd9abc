"""Two histories into one: what the other side asked for, what contradicts it, what to record. Pure.

Compared is what holds, not what was done: on both sides the requirements of each name in each group
against the base (:mod:`ppm.engine.meeting`), so that what was added and removed again is nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeAlias

import msgspec

from ppm.engine.meeting import Act, Kind, Meeting
from ppm.events.project import LedgerMerged
from ppm.events.requirement import IntentMerged, RequirementAdded, RequirementRemoved
from ppm.projections.lock import LockedPackage
from ppm.projections.project import Project

Side: TypeAlias = Literal["ours", "theirs"]
Wish: TypeAlias = tuple[str, str]
"""A group and a name."""


Requested: TypeAlias = RequirementAdded | RequirementRemoved


class Intent(msgspec.Struct, frozen=True, kw_only=True):
    """A difference the other side made, and its event there. Fields as in ``intent.merged/1``."""

    kind: Kind
    group: str
    name: str
    requirement: str
    origin_id: str
    origin_digest: str


class Conflict(msgspec.Struct, frozen=True, kw_only=True):
    """A name whose requirements in a group both sides changed, and not to the same."""

    group: str
    name: str
    base: tuple[str, ...]
    ours: tuple[str, ...]
    theirs: tuple[str, ...]


def intents(meeting: Meeting, target: str) -> tuple[Intent, ...]:
    """What the other side asked for and nobody has decided here yet.

    Versions it changed in the lock for ``target`` are among them; what only came along with its
    requirements is not.
    """
    found = [*_requirement_intents(meeting), *_version_intents(meeting, target)]
    return tuple(one for one in found if one.origin_digest not in meeting.decided)


def conflicts(meeting: Meeting, ours: Project, target: str) -> tuple[Conflict, ...]:
    """What has to be decided before the intents can be followed."""
    base, here, there = wishes(meeting.base), wishes(ours), wishes(meeting.their)
    found = []
    for group, name in _undecided(meeting, target):
        wish = (group, name)
        before, mine, other = base.get(wish, ()), here.get(wish, ()), there.get(wish, ())
        if set(mine) not in (set(before), set(other)):
            found.append(Conflict(group=group, name=name, base=before, ours=mine, theirs=other))
    return tuple(found)


def decide(
    meeting: Meeting, ours: Project, target: str, choices: Mapping[Wish, Side]
) -> tuple[Requested, ...]:
    """The events that follow the other side's intents; none where all of them hold.

    ``choices`` decide the conflicts.
    """
    here, there = wishes(ours), wishes(meeting.their)
    changes: list[Requested] = []
    for wish in _undecided(meeting, target):
        if choices.get(wish) != "ours":
            changes += differences(wish, here.get(wish, ()), there.get(wish, ()))
    return tuple(changes)


def differences(wish: Wish, before: tuple[str, ...], after: tuple[str, ...]) -> list[Requested]:
    """The events from the requirements ``before`` of a name to those ``after``."""
    group, name = wish
    gone = [text for text in before if text not in after]
    new = [text for text in after if text not in before]
    return [
        *(RequirementRemoved(group=group, name=name, requirement=text) for text in gone),
        *(RequirementAdded(group=group, name=name, requirement=text) for text in new),
    ]


def ahead(ours: Project, theirs: Project) -> tuple[Requested, ...]:
    """The events from our requirements to theirs, where their history continues ours."""
    here, there = wishes(ours), wishes(theirs)
    return tuple(
        change
        for wish in sorted(here.keys() | there.keys())
        for change in differences(wish, here.get(wish, ()), there.get(wish, ()))
    )


def preferred(meeting: Meeting, ours: Project, target: str, *, theirs: bool) -> dict[str, str]:
    """The versions to prefer over ours: those that the other side changed and ours did not.

    With ``theirs`` also where both did.
    """
    base, here, there = (_locked(one, target) for one in (meeting.base, ours, meeting.their))
    settled = {one.name for one in _version_intents(meeting, target)}
    settled -= {one.name for one in intents(meeting, target) if one.kind == "locked"}
    return {
        name: version
        for name, version in there.items()
        if version not in (base.get(name), here.get(name))
        and name not in settled
        and (theirs or here.get(name) in (None, base.get(name)))
    }


def merged_events(
    meeting: Meeting, before: Project, after: Project, target: str
) -> tuple[IntentMerged | LedgerMerged, ...]:
    """The record of a merge that is done: what became of each intent, and the heads.

    ``before`` is what held here when it was decided, ``after`` what holds now.
    """
    if meeting.merged:
        return ()
    outcomes = [
        IntentMerged(
            **msgspec.structs.asdict(one),
            outcome="held"
            if _holds(one, before, target)
            else "reapplied"
            if _holds(one, after, target)
            else "declined",
        )
        for one in intents(meeting, target)
    ]
    return (
        *outcomes,
        LedgerMerged(
            theirs_seq=meeting.their.head.seq,
            theirs_digest=meeting.their.head.digest,
            fork_seq=meeting.fork.seq,
            fork_digest=meeting.fork.digest,
            ours_seq=before.head.seq,
            ours_digest=before.head.digest,
        ),
    )


def wishes(project: Project) -> dict[Wish, tuple[str, ...]]:
    """The requirements of each name in each group, as written."""
    found: dict[Wish, tuple[str, ...]] = {}
    for group, requirements in project.state.requirements.items():
        for text, name in requirements.items():
            found[group, name] = (*found.get((group, name), ()), text)
    return found


def _undecided(meeting: Meeting, target: str) -> tuple[Wish, ...]:
    asked = (one for one in intents(meeting, target) if one.kind != "locked")
    return tuple(dict.fromkeys((one.group, one.name) for one in asked))


def _requirement_intents(meeting: Meeting) -> list[Intent]:
    return [
        _intent(
            meeting,
            "added" if isinstance(one, RequirementAdded) else "removed",
            (one.group, one.name),
            one.requirement,
        )
        for one in ahead(meeting.base, meeting.their)
    ]


def _version_intents(meeting: Meeting, target: str) -> list[Intent]:
    base, there = _locked(meeting.base, target), _locked(meeting.their, target)
    return [
        _intent(meeting, "locked", ("", name), f"{name}=={there[name]}")
        for name in sorted(base.keys() & there.keys())
        if base[name] != there[name]
    ]


def _intent(meeting: Meeting, kind: Kind, wish: Wish, text: str) -> Intent:
    group, name = wish
    # A merge over there may have decided against us without an event of its own.
    origin = meeting.origins.get(Act(kind, group, text), meeting.last)
    return Intent(
        kind=kind,
        group=group,
        name=name,
        requirement=text,
        origin_id=origin.id,
        origin_digest=origin.digest,
    )


def _holds(intent: Intent, project: Project, target: str) -> bool:
    if intent.kind == "locked":
        version = _locked(project, target).get(intent.name)
        return intent.requirement == f"{intent.name}=={version}"
    stands = intent.requirement in project.state.requirements.get(intent.group, {})
    return stands == (intent.kind == "added")


def _locked(project: Project, target: str) -> dict[str, str]:
    packages: Mapping[str, LockedPackage] = project.lock.targets.get(target, {})
    return {name: package.version for name, package in packages.items()}
