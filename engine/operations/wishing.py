"""From a lock and a selection to the environment that is wanted; plan files."""

from __future__ import annotations

from pathlib import Path

from ppm.engine.environment.files import LinkMode
from ppm.engine.errors import ProjectError
from ppm.engine.manifest.model import Manifest
from ppm.engine.manifest.names import requirement_name
from ppm.engine.operations.apply import Wish
from ppm.engine.operations.observe import roots_of
from ppm.engine.planning import Plan, Selection, selected
from ppm.engine.runtime import Runtime
from ppm.projections.lock import Lock


def wish_for(
    lock: Lock, runtime: Runtime, manifest: Manifest, selection: Selection, link_mode: LinkMode
) -> Wish:
    """The environment of the selected groups, as locked, and the project itself if it is a package.

    Raises:
        ProjectError: ``code="UNKNOWN_GROUP"``: a group or extra that the manifest does not have.
    """
    declared = {"", *manifest.groups}
    asked = [*selection.only_groups, *(f"extra:{extra}" for extra in selection.extras)]
    for group in asked:
        if group not in declared:
            raise ProjectError(
                f"{manifest.path} has no {_words(group)}",
                code="UNKNOWN_GROUP",
                hint=f"it has: {', '.join(map(_words, sorted(manifest.groups))) or 'none'}",
            )
    packages = selected(lock.targets[runtime.interpreter.target.name], selection)
    requested = frozenset(
        name
        for root in roots_of(manifest)
        if selection.wants((root.group,)) and (name := requirement_name(root.requirement))
    )
    if manifest.is_package and selection.wants(("",)):
        from ppm.engine.operations.own import own_package  # Most projects are no packages.

        own = own_package(runtime, manifest)
        packages = dict(sorted({**packages, own.name: own}.items()))
        requested |= {own.name}
    return Wish(packages=packages, requested=requested, link_mode=link_mode)


def _words(group: str) -> str:
    extra = group.startswith("extra:")
    return f"extra {group.removeprefix('extra:')}" if extra else f"group {group}"


def check_plan_file(path: Path, plan: Plan) -> None:
    """Refuse a plan file that is not the plan of now.

    Raises:
        ProjectError: ``PLAN_UNREADABLE`` or ``PLAN_STALE``.
    """
    import json

    try:
        document = json.loads(path.read_bytes())
        digest = document["digest"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise ProjectError(
            f"{path} is no plan: {error}",
            code="PLAN_UNREADABLE",
            hint="`ppm plan --out FILE` writes one",
        ) from error
    if digest != plan.digest:
        raise ProjectError(
            f"{path} was made for another lock or environment",
            code="PLAN_STALE",
            hint="look at `ppm plan` again",
        )
