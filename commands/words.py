"""The words for what changed, shared by the verbs that change things."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ppm.commands.output import Console
from ppm.engine.operations.apply import Applied
from ppm.engine.operations.lock import Locked
from ppm.engine.plain import clean_line
from ppm.engine.planning import Plan, PlanChange
from ppm.events.requirement import RequirementAdded, RequirementRemoved
from ppm.projections.history import change


def plural(count: int, word: str) -> str:
    """``1 package``, ``2 packages``."""
    return f"{count} {word}{'' if count == 1 else 's'}"


def tell_requirements(
    changes: Sequence[RequirementAdded | RequirementRemoved], manifest: str, console: Console
) -> None:
    """Say which requirements changed."""
    for one in changes:
        console.say(clean_line(change(one)))
    if not changes:
        console.say(f"{manifest} says so already")


def tell_lock(locked: Locked, console: Console) -> None:
    """Say what changed in the lock."""
    for warning in locked.warnings:
        console.warn(warning)
    several = len(locked.targets) > 1
    for one in locked.changes:
        if console.verbose:
            console.say(clean_line(change(one) + (f"  ({one.target})" if several else "")))
    count = plural(len({name for held in locked.targets.values() for name in held}), "package")
    if several:
        count += f" for {len(locked.targets)} targets"
    if locked.changes:
        console.say(f"locked {count}, {len(locked.changes)} changed: pylock.toml")
    else:
        console.say(f"locked {count}: unchanged")


def tell_applied(applied: Applied, duration_s: float, console: Console) -> None:
    """Say what an apply did."""
    if applied.moved_to:
        console.note(f".venv was not made by ppm: kept as {applied.moved_to}")
    for line in plan_lines(applied.plan.changes):
        console.say(line)
    count = plural(len(applied.plan.packages), "package")
    if not applied.fresh:
        console.say(f"{count} in place, nothing to do")
    else:
        console.say(f"{count} in .venv, generation {applied.generation[:12]}, {duration_s:.2f} s")


def plan_lines(changes: Iterable[PlanChange]) -> list[str]:
    """One line a change: ``+ httpx 0.28.1``, ``~ rich 14.0.0 → 13.9.4``, ``- six 1.17.0``."""
    return [clean_line(_plan_line(one)) for one in changes]


def _plan_line(one: PlanChange) -> str:
    if one.action == "install":
        return f"+ {one.name} {one.to}"
    if one.action == "remove":
        return f"- {one.name} {one.from_}"
    return f"~ {one.name} {one.from_} → {one.to}"


def applied_document(applied: Applied, duration_s: float) -> dict[str, object]:
    """An apply as JSON."""
    return {
        **plan_document(applied.plan),
        "generation": applied.generation,
        "moved_aside": applied.moved_to,
        "duration_ms": round(duration_s * 1000),
    }


def plan_document(plan: Plan) -> dict[str, object]:
    """A plan as JSON."""
    return {
        "plan": plan.plan,
        "packages": plan.packages,
        "changes": list(plan.changes),
        "target": plan.target,
        "digest": plan.digest,
    }


def locked_document(locked: Locked) -> dict[str, object]:
    """A lock as JSON."""
    return {
        "packages": {name: package.version for name, package in locked.packages.items()},
        "targets": {
            target: {name: package.version for name, package in held.items()}
            for target, held in sorted(locked.targets.items())
        },
        "changes": list(dict.fromkeys(change(one) for one in locked.changes)),
        "warnings": list(locked.warnings),
    }
