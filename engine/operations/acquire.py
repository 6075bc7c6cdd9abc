"""Every locked package's wheel in the store, unpacked: there already, fetched, or built."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ppm.engine.errors import ArtifactError, IndexFailure
from ppm.engine.manifest.names import normalise_name
from ppm.engine.planning import UNBUILT, chosen_file
from ppm.engine.runtime import Runtime
from ppm.engine.store.model import WantedFile, WheelTree
from ppm.projections.lock import LockedPackage

if TYPE_CHECKING:
    from ppm.engine.network import Record


def acquire(
    record: Record, runtime: Runtime, packages: Sequence[LockedPackage]
) -> dict[str, WheelTree]:
    """The unpacked wheel of each package, by package name.

    What the store has costs one small read each; only what is missing starts the pipeline.

    Raises:
        ArtifactError, IndexFailure, BuildError, StorageError: see :func:`ppm.engine.fetch.fetch`.
    """
    trees: dict[str, WheelTree] = {}
    missing: list[LockedPackage] = []
    for package in packages:
        file = chosen_file(package)
        digest = file.sha256 if file.kind == "wheel" else runtime.wheel_built_from(file)
        tree = runtime.wheels.tree(digest) if digest else None
        if tree is None:
            missing.append(package)
        else:
            require_identity(package, tree)
            trees[package.name] = tree
    if missing:
        trees |= _bring(record, runtime, missing)
    return trees


def refetch(record: Record, runtime: Runtime, packages: Sequence[LockedPackage]) -> None:
    """Have the files of packages in the store again, also where their wheels are unpacked.

    Raises: as :func:`acquire`.
    """
    _bring(record, runtime, packages)


def _bring(
    record: Record, runtime: Runtime, packages: Sequence[LockedPackage]
) -> dict[str, WheelTree]:
    placed = [package for package in packages if package.source]
    wanted = [wanted_file(package) for package in packages if not package.source]
    absent = [file for file in wanted if not runtime.blobs.has(file.sha256)]
    if runtime.offline and absent:
        names = ", ".join(file.filename for file in absent[:5])
        raise IndexFailure(
            f"{len(absent)} file(s) are not in the store: {names}",
            code="OFFLINE",
            hint="run without --offline once",
        )
    from ppm.engine.network import on_network

    unpackers = min(len(packages), os.cpu_count() or 1)
    trees = on_network(
        runtime, record, lambda network: network.trees(wanted, placed), unpackers=unpackers
    )
    for package in placed:
        require_identity(package, trees[package.name])
    runtime.wheels.sync()
    return trees


def require_identity(package: LockedPackage, tree: WheelTree) -> None:
    """Refuse a locked digest that is another package's or version's wheel.

    Raises:
        ArtifactError: ``code="WHEEL_NAME"``.
    """
    named = (normalise_name(tree.name), tree.version)
    if named[0] == package.name and package.version in {tree.version, UNBUILT}:
        return
    from packaging.version import Version

    if named[0] != package.name or Version(tree.version) != Version(package.version):
        raise ArtifactError(
            f"the lock has the digest of {tree.name} {tree.version} for"
            f" {package.name} {package.version}",
            code="WHEEL_NAME",
            hint="pylock.toml was changed by hand or is damaged: restore it, or remove it and run"
            " `ppm lock`",
        )


def wanted_file(package: LockedPackage) -> WantedFile:
    """What to fetch for a locked package."""
    file = chosen_file(package)
    return WantedFile(
        name=package.name,
        version=package.version,
        filename=file.filename,
        url=file.url,
        sha256=file.sha256,
        size=file.size,
        kind=file.kind,
    )
