"""``ppm lock``: resolve and write the lock."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, cast

from ppm.commands.options import (
    GpuOption,
    IndexOption,
    JsonOption,
    OfflineOption,
    ProjectOption,
    QuietOption,
    VerboseOption,
    option,
)
from ppm.commands.output import Console
from ppm.commands.session import changing
from ppm.commands.words import locked_document, tell_lock
from ppm.engine.errors import UsageError
from ppm.engine.manifest.model import Manifest
from ppm.engine.manifest.names import normalise_name
from ppm.engine.operations.currency import why_stale
from ppm.engine.operations.lock import resolve_and_lock, stale
from ppm.engine.operations.observe import begin, roots_of
from ppm.engine.operations.targeting import targets_of
from ppm.engine.resolve.problem import Policy, Prereleases, Strategy
from ppm.engine.target import Target
from ppm.projections.lock import Lock

_PRERELEASES = ("if-necessary-or-explicit", "allow", "disallow", "explicit")
_STRATEGIES = ("highest", "lowest", "lowest-direct")


def lock(
    *,
    upgrade: Annotated[bool, option("--upgrade", help="Forget what is locked.")] = False,
    upgrade_package: Annotated[
        list[str] | None, option("--upgrade-package", help="Forget this one's pin.")
    ] = None,
    exclude_newer: Annotated[
        str, option("--exclude-newer", help="Only files uploaded before (RFC 3339).")
    ] = "",
    prerelease: Annotated[
        str, option("--prerelease", help=", ".join(_PRERELEASES))
    ] = "if-necessary-or-explicit",
    resolution: Annotated[str, option("--resolution", help=", ".join(_STRATEGIES))] = "highest",
    no_build: Annotated[
        bool, option("--no-build", help="Never build source distributions.")
    ] = False,
    no_build_package: Annotated[
        list[str] | None, option("--no-build-package", help="Never build this package.")
    ] = None,
    no_binary: Annotated[
        list[str] | None, option("--no-binary", help="No wheels of this package.")
    ] = None,
    target: Annotated[
        list[str] | None, option("--target", help="Lock for this one (linux-x86_64-py3.12).")
    ] = None,
    check: Annotated[
        bool, option("--check", help="Exit 1 if the lock does not answer the manifest.")
    ] = False,
    gpu: GpuOption = "",
    index_url: IndexOption = None,
    offline: OfflineOption = False,
    json_output: JsonOption = False,
    verbose: VerboseOption = False,
    quiet: QuietOption = False,
    project: ProjectOption = None,
) -> None:
    """Resolve the manifest's requirements and write pylock.toml, with least churn."""
    console = Console(json_output=json_output, verbose=verbose, quiet=quiet)
    policy = Policy(
        prereleases=cast("Prereleases", _one_of(prerelease, _PRERELEASES, "--prerelease")),
        resolution=cast("Strategy", _one_of(resolution, _STRATEGIES, "--resolution")),
        upgrade=upgrade,
        upgrade_packages=tuple(map(normalise_name, upgrade_package or ())),
        exclude_newer=exclude_newer,
        no_build=no_build,
        only_binary=tuple(map(normalise_name, no_build_package or ())),
        no_binary=tuple(map(normalise_name, no_binary or ())),
    )
    with changing("lock", project, console) as change:
        manifest, runtime = begin(
            change.run, change.progress, index_url=index_url or "", offline=offline, gpu=gpu
        )
        targets = targets_of(change.run.project, manifest, runtime, target or ())
        if check:
            known = change.run.project.lock
            reasons = _why_stale(known, manifest, targets.targets, change.paths.root)
            if reasons:
                raise stale(reasons)
            console.say("the lock answers the manifest")
            console.answer({"ok": True})
            return
        locked = resolve_and_lock(change.run, runtime, manifest, policy, targets)
    tell_lock(locked, console)
    console.answer(locked_document(locked))


def _why_stale(
    lock: Lock, manifest: Manifest, targets: Sequence[Target], folder: Path
) -> list[str]:
    """Each reason once, with the targets it holds for if that is not all of them."""
    found: dict[str, list[str]] = {}
    for target in targets:
        for why in why_stale(lock, roots_of(manifest), target, folder):
            found.setdefault(why, []).append(target.name)
    return [
        why if len(names) == len(targets) else f"{why} ({', '.join(names)})"
        for why, names in found.items()
    ]


def _one_of(value: str, allowed: tuple[str, ...], name: str) -> str:
    if value not in allowed:
        raise UsageError(f"{name}: {value!r} is not one of {', '.join(allowed)}")
    return value
