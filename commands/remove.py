"""``ppm remove``: requirements out of the manifest."""

from __future__ import annotations

from typing import Annotated

from ppm.commands.options import (
    Argument,
    DevOption,
    GroupOption,
    IndexOption,
    JsonOption,
    LockOption,
    OfflineOption,
    OptionalOption,
    ProjectOption,
    QuietOption,
    VerboseOption,
    chosen_group,
)
from ppm.commands.output import Console
from ppm.commands.session import changing
from ppm.commands.words import locked_document, tell_lock, tell_requirements
from ppm.engine.errors import RequirementError
from ppm.engine.manifest.edit import remove_requirements
from ppm.engine.manifest.model import Manifest
from ppm.engine.manifest.names import normalise_name
from ppm.engine.operations.edit import edit_manifest
from ppm.engine.operations.observe import begin, manifest_bytes
from ppm.engine.resolve.problem import Policy


def remove(
    names: Annotated[list[str], Argument("NAME…")],
    *,
    dev: DevOption = False,
    group: GroupOption = None,
    optional: OptionalOption = None,
    lock: LockOption = False,
    index_url: IndexOption = None,
    offline: OfflineOption = False,
    json_output: JsonOption = False,
    verbose: VerboseOption = False,
    quiet: QuietOption = False,
    project: ProjectOption = None,
) -> None:
    """Remove requirements from the manifest by name."""
    console = Console(json_output=json_output, verbose=verbose, quiet=quiet)
    chosen = chosen_group(dev=dev, group=group, optional=optional)
    with changing("remove", project, console) as change:
        manifest, runtime = begin(
            change.run, change.progress, index_url=index_url or "", offline=offline
        )
        refuse_strangers(manifest, chosen, names)
        data = remove_requirements(
            manifest_bytes(change.paths, manifest),
            file_name=manifest.path,
            group=chosen,
            names=names,
        )
        policy = Policy() if lock else None
        _, locked, changes = edit_manifest(change.run, runtime, manifest, data, policy)
    tell_requirements(changes, manifest.path, console)
    if locked is not None:
        tell_lock(locked, console)
    console.answer(
        {
            "manifest": manifest.path,
            "removed": [one.requirement for one in changes],
            "lock": locked_document(locked) if locked is not None else None,
        }
    )


def refuse_strangers(manifest: Manifest, group: str, names: list[str]) -> None:
    """Refuse names that the group does not ask for, telling where they stand instead.

    Raises:
        RequirementError: ``code="NOT_REQUIRED"``.
    """
    present = {one.name for one in manifest.requirements if one.group == group}
    for name in map(normalise_name, names):
        if name in present:
            continue
        others = sorted({one.group for one in manifest.requirements if one.name == name})
        where = ", ".join(_label(other) for other in others)
        raise RequirementError(
            f"{manifest.path} does not ask for {name} in {_label(group)}",
            code="NOT_REQUIRED",
            hint=f"it stands in {where}" if others else "`ppm tree` shows what is asked for",
        )


def _label(group: str) -> str:
    if not group:
        return "the project's own requirements"
    if group.startswith("extra:"):
        return f"the extra {group.removeprefix('extra:')} (--optional)"
    return f"the group {group} (--group)"
