"""Having packages: add, lock and apply what is missing, nothing where all of it holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from ppm.engine.environment.files import LinkMode
from ppm.engine.manifest.edit import add_requirements
from ppm.engine.manifest.model import Manifest
from ppm.engine.manifest.names import normalise_name, parse_requirement
from ppm.engine.operations.apply import Applied, apply
from ppm.engine.operations.edit import Accept, edit_manifest
from ppm.engine.operations.lock import ensure_locked
from ppm.engine.operations.observe import begin, manifest_bytes
from ppm.engine.operations.wishing import wish_for
from ppm.engine.planning import Selection, selected
from ppm.engine.ports import Progress
from ppm.engine.resolve.problem import Policy
from ppm.engine.transaction import Transaction
from ppm.projections.lock import Lock, LockedPackage


def ensure(
    run: Transaction,
    progress: Progress,
    requirements: Sequence[str],
    link_mode: Callable[[Manifest], LinkMode],
    *,
    index_url: str = "",
    offline: bool = False,
    constraints: tuple[str, ...] = (),
    python: Path | None = None,
    accept: Accept | None = None,
    gpu: str = "",
) -> tuple[Applied, str]:
    """Have ``requirements`` in the project's environment.

    Args:
        run: The open command.
        progress: Where the engine tells how far it is.
        requirements: PEP 508.
        link_mode: The mode that a manifest's settings ask for.
        index_url: The index given on the command line, ``""`` for none.
        offline: Never use the network.
        constraints: PEP 508 texts that limit packages without asking for them.
        python: The interpreter whose environment it shall be; the settings' choice by default.
        accept: As in :func:`ppm.engine.operations.edit.edit_manifest`; asked about the lock that is
            there, too.
        gpu: The GPU backend given on the command line, ``""`` for none.

    Returns:
        What was done, and where modules are, relative to the environment.

    A requirement that the manifest makes in other words, and that the lock answers, is left alone.

    Raises:
        RequirementError: One does not parse.
        ResolutionError, IndexFailure, ArtifactError, StorageError: as lock and apply.
    """
    manifest, runtime = begin(
        run, progress, index_url=index_url, offline=offline, python=python, gpu=gpu
    )
    lock, target = run.project.lock, runtime.interpreter.target.name
    known = target
    if runtime.choice is not None:
        from ppm.engine.operations.backends import locked_here

        known = locked_here(lock, runtime.interpreter.target)
    missing = [text for text in requirements if not is_answered(text, manifest, lock, known)]
    if missing:
        data = add_requirements(
            manifest_bytes(run.paths, manifest),
            file_name=manifest.path,
            project=manifest.name,
            group="",
            requirements=missing,
        )

        from ppm.engine.operations.acquire import acquire

        def obtain(packages: Mapping[str, LockedPackage]) -> None:
            if accept is not None:
                accept(packages)
            # What cannot be had shall not be asked for: a later command would fail of it, too.
            acquire(run.record, runtime, list(selected(packages, Selection()).values()))

        manifest, _, _ = edit_manifest(
            run,
            runtime,
            manifest,
            data,
            Policy(),
            constraints=constraints,
            accept=obtain,
            with_here=True,
        )
    else:
        ensure_locked(run, runtime, manifest, Policy(), frozen=False)
        if accept is not None:
            accept(run.project.lock.targets.get(target, {}))
    wish = wish_for(run.project.lock, runtime, manifest, Selection(), link_mode(manifest))
    return apply(run, runtime, wish), runtime.interpreter.site_packages


def is_answered(text: str, manifest: Manifest, lock: Lock, target: str) -> bool:
    """Whether the project asks for that package itself and locks a version that fits.

    Raises:
        RequirementError: ``text`` does not parse.
    """
    requirement = parse_requirement(text)
    name = normalise_name(requirement.name)
    asked = any(one.name == name and one.group == "" for one in manifest.requirements)
    package = lock.targets.get(target, {}).get(name)
    if not asked or package is None:
        return False
    if requirement.url:
        from ppm.engine.direct.reference import parse_reference

        if parse_reference(requirement.url).source != package.source:
            return False
    extras = {normalise_name(extra) for extra in requirement.extras}
    fits = requirement.specifier.contains(package.version, prereleases=True)
    return fits and extras <= set(package.extras)
