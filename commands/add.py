"""``ppm add``: requirements into the manifest."""

from __future__ import annotations

from pathlib import Path

from ppm.commands.options import (
    DevOption,
    EditableOption,
    GpuOption,
    GroupOption,
    IndexOption,
    JsonOption,
    LockOption,
    OfflineOption,
    OptionalOption,
    ProjectOption,
    QuietOption,
    RequirementsArgument,
    VerboseOption,
    chosen_group,
)
from ppm.commands.output import Console
from ppm.commands.session import changing
from ppm.commands.words import locked_document, tell_lock, tell_requirements
from ppm.engine.direct.naming import named
from ppm.engine.manifest.edit import add_requirements
from ppm.engine.operations.edit import edit_manifest
from ppm.engine.operations.observe import begin, manifest_bytes
from ppm.engine.resolve.problem import Policy


def add(
    requirements: RequirementsArgument,
    *,
    dev: DevOption = False,
    group: GroupOption = None,
    optional: OptionalOption = None,
    editable: EditableOption = False,
    lock: LockOption = False,
    gpu: GpuOption = "",
    index_url: IndexOption = None,
    offline: OfflineOption = False,
    json_output: JsonOption = False,
    verbose: VerboseOption = False,
    quiet: QuietOption = False,
    project: ProjectOption = None,
) -> None:
    """Add requirements, paths and URLs to the manifest; those of the same name are replaced.

    With --lock, a requirement that does not resolve leaves the manifest as it was.
    """
    console = Console(json_output=json_output, verbose=verbose, quiet=quiet)
    chosen = chosen_group(dev=dev, group=group, optional=optional)
    with changing("add", project, console) as change:
        manifest, runtime = begin(
            change.run, change.progress, index_url=index_url or "", offline=offline, gpu=gpu
        )
        data = add_requirements(
            manifest_bytes(change.paths, manifest),
            file_name=manifest.path,
            project=manifest.name,
            group=chosen,
            requirements=named(requirements, Path.cwd(), change.paths.root, editable=editable),
        )
        policy = Policy() if lock else None
        _, locked, changes = edit_manifest(change.run, runtime, manifest, data, policy)
    if gpu and not lock:
        console.note("--gpu counts when the lock is made: give --lock too, or --gpu to `ppm lock`")
    tell_requirements(changes, manifest.path, console)
    if locked is not None:
        tell_lock(locked, console)
    console.answer(
        {
            "manifest": manifest.path,
            "added": [one.requirement for one in changes if one.type.startswith("requirement.a")],
            "lock": locked_document(locked) if locked is not None else None,
        }
    )
