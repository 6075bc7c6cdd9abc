"""``ppm diff``: what changed between two points."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import msgspec

from ppm.commands.options import Argument, JsonOption, ProjectOption, QuietOption, VerboseOption
from ppm.commands.output import Console
from ppm.commands.session import asking
from ppm.engine.difference import (
    PackageDifference,
    Pin,
    RequirementDifference,
    package_differences,
    requirement_differences,
)
from ppm.engine.plain import clean_line
from ppm.engine.points import Point, Points

_FORMS = "A snapshot, a seq, a time, a lock file or git:REVISION."


def diff(
    a: Annotated[
        str | None, Argument("A", help=f"{_FORMS} Default: before the last change.")
    ] = None,
    b: Annotated[str | None, Argument("B", help=f"{_FORMS} Default: now.")] = None,
    *,
    json_output: JsonOption = False,
    verbose: VerboseOption = False,
    quiet: QuietOption = False,
    project: ProjectOption = None,
) -> None:
    """Show the requirements and packages that differ between two points."""
    console = Console(json_output=json_output, verbose=verbose, quiet=quiet)
    with asking("diff", project) as question:
        known = question.project()
        points = Points(question.paths, question.ledger, known, question.clock, console.progress())
        before = points.named(a) if a is not None else points.before_last_change()
        after = points.named(b) if b is not None else points.now()
        found = Difference.between(before, after)
        console.answer(found)
        for line in found.lines():
            console.say(clean_line(line))


class Difference(msgspec.Struct, frozen=True, kw_only=True, rename={"from_": "from"}):
    """What differs. A part is None where one of the points does not tell it."""

    from_: dict[str, object]
    to: dict[str, object]
    requirements: tuple[RequirementDifference, ...] | None
    locked: tuple[PackageDifference, ...]
    installed: tuple[PackageDifference, ...] | None

    @classmethod
    def between(cls, before: Point, after: Point) -> Difference:
        """The difference that leads from one point to the other."""
        asked = (
            None
            if before.requirements is None or after.requirements is None
            else requirement_differences(before.requirements, after.requirements)
        )
        return cls(
            from_={"label": before.label, "seq": before.seq},
            to={"label": after.label, "seq": after.seq},
            requirements=asked,
            locked=package_differences(before.locked, after.locked),
            installed=_installed(before.installed, after.installed),
        )

    def lines(self) -> Iterator[str]:
        """The difference for a person."""
        yield f"from {self.from_['label']} to {self.to['label']}"
        parts = {
            "requirements": [_requirement_line(one) for one in self.requirements or ()],
            "locked": [package_line(one) for one in self.locked],
            "installed": [package_line(one) for one in self.installed or ()],
        }
        for title, lines in parts.items():
            if lines:
                yield f"{title}:"
                yield from (f"  {line}" for line in lines)
        if not any(parts.values()):
            yield "no difference"


def _installed(
    before: dict[str, Pin] | None, after: dict[str, Pin] | None
) -> tuple[PackageDifference, ...] | None:
    return None if before is None or after is None else package_differences(before, after)


def _requirement_line(one: RequirementDifference) -> str:
    group = f" ({one.group})" if one.group else ""
    before, after = ", ".join(one.from_), ", ".join(one.to)
    if not before:
        return f"+ {after}{group}"
    return f"~ {before} → {after}{group}" if after else f"- {before}{group}"


def package_line(one: PackageDifference) -> str:
    """``+ elm 3.0``, ``- elm 3.0``, ``~ birch 1.0 → 2.0``."""
    if one.action == "added":
        return f"+ {one.name} {one.to}"
    if one.action == "removed":
        return f"- {one.name} {one.from_}"
    if one.action == "replaced":
        return f"~ {one.name} {one.to}, other files"
    return f"~ {one.name} {one.from_} → {one.to}"
