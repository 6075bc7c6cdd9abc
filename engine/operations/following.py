"""The manifest as another history would have it. That history is not to be trusted."""

from __future__ import annotations

from collections.abc import Sequence

from ppm.engine.errors import LedgerError, RequirementError
from ppm.engine.manifest.edit import add_requirements, remove_requirements
from ppm.engine.manifest.groups import EXTRA
from ppm.engine.manifest.model import Manifest
from ppm.engine.manifest.names import is_name, normalise_name, parse_requirement
from ppm.engine.merging import Requested, wishes
from ppm.engine.operations.observe import manifest_bytes
from ppm.engine.paths import ProjectPaths
from ppm.events.requirement import RequirementAdded
from ppm.projections.project import Project


def edited_manifest(
    paths: ProjectPaths, manifest: Manifest, ours: Project, changes: Sequence[Requested]
) -> bytes:
    """The manifest's bytes after ``changes``."""
    data = manifest_bytes(paths, manifest)
    wanted = {(one.group, one.name): wishes(ours).get((one.group, one.name), ()) for one in changes}
    for one in changes:
        kept = tuple(text for text in wanted[one.group, one.name] if text != one.requirement)
        new = (one.requirement,) if isinstance(one, RequirementAdded) else ()
        wanted[one.group, one.name] = (*kept, *new)
    for (group, name), texts in wanted.items():
        if texts:
            data = add_requirements(
                data,
                file_name=manifest.path,
                project=manifest.name,
                group=group,
                requirements=texts,
            )
        else:
            data = remove_requirements(data, file_name=manifest.path, group=group, names=[name])
    return data


def require_sound(changes: Sequence[Requested]) -> None:
    """Refuse what no command of ours would have recorded: it comes from a file that we do not own.

    Raises:
        LedgerError: ``code="MERGE_INVALID"``.
    """
    for one in changes:
        if isinstance(one, RequirementAdded) and not _is_sound(one):
            raise LedgerError(
                f"the other history asks for {one.requirement!r} as {one.name!r} in the group "
                f"{one.group!r}, which is no requirement that could be written down",
                code="MERGE_INVALID",
                hint="nothing of it was taken; see where that history comes from",
            )


def _is_sound(one: RequirementAdded) -> bool:
    try:
        name = normalise_name(parse_requirement(one.requirement).name)
    except RequirementError:
        return False
    group = one.group.removeprefix(EXTRA)
    named = not one.group or (is_name(group) and normalise_name(group) == group)
    return named and name == one.name and one.requirement.isprintable()
