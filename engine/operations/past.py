"""What the past knows that the present does not: environments as they were, to be made again."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import msgspec

from ppm.engine.environment.files import LinkMode, Material, Package
from ppm.engine.environment.generation import generation_name, read_generation, venv_path
from ppm.engine.errors import EnvironmentFailure
from ppm.engine.paths import ProjectPaths
from ppm.engine.runtime import Runtime
from ppm.engine.store.model import WheelTree
from ppm.events.artifact import ArtifactBuilt
from ppm.events.envelope import Record
from ppm.events.resolution import PackageLocked
from ppm.projections.lock import LockedPackage, locked_package
from ppm.projections.state import Environment, InstalledPackage

if TYPE_CHECKING:
    from ppm.engine.environment.build import Build
    from ppm.engine.network import Record as Journal


class Origins:
    """Where the wheels of a history came from, by their digests.

    The lock of a moment need not hold what was installed then; the digest of a wheel always leads
    to the file it was, or to the source distribution it was built from.
    """

    def __init__(self) -> None:
        self._files: dict[str, PackageLocked] = {}
        self._versions: dict[tuple[str, str], PackageLocked] = {}
        self._sources: dict[str, str] = {}

    def learn(self, record: Record) -> None:
        """Take in one more record."""
        match event := record.event:
            case PackageLocked():
                self._versions[event.name, event.version] = event
                self._files.update(dict.fromkeys((file.sha256 for file in event.files), event))
            case ArtifactBuilt():
                self._sources[event.sha256] = event.source_sha256
            case _:
                pass

    def package(self, name: str, installed: InstalledPackage) -> LockedPackage:
        """What to fetch or build to have ``installed`` again.

        Raises:
            EnvironmentFailure: ``code="ORIGIN_UNKNOWN"``.
        """
        known = self.find(name, installed)
        if known is None:
            raise EnvironmentFailure(
                f"nothing in the history says where {name} {installed.version} came from",
                code="ORIGIN_UNKNOWN",
                hint="choose another point: `ppm snapshots`",
            )
        return known

    def find(self, name: str, installed: InstalledPackage) -> LockedPackage | None:
        """As :meth:`package`; ``None`` for what no lock had."""
        for digest in (installed.sha256, self._sources.get(installed.sha256, "")):
            known = self._files.get(digest)
            if known is not None:
                files = tuple(file for file in known.files if file.sha256 == digest)
                return msgspec.structs.replace(locked_package(known), files=files)
        known = self._versions.get((name, installed.version))
        return locked_package(known) if known is not None else None


def origins_until(records: Iterable[Record], seq: int) -> Origins:
    """Where the wheels came from that were known just after record ``seq``."""
    origins = Origins()
    for record in records:
        if record.seq > seq:
            break
        origins.learn(record)
    return origins


def make_again(
    journal: Journal, runtime: Runtime, root: Path, wanted: Environment, origins: Origins
) -> Build:
    """The active generation of ``wanted``, made again below ``root`` unless it stands there.

    Below the root it was first made for it gets the same name and the same bytes, as long as its
    interpreter is the same.

    Args:
        journal: Takes what is fetched and built on the way.
        runtime: Its interpreter is used only where the one of the past is the same.
        root: The root of a project, or of one to be.
        wanted: The environment as it was.
        origins: Where its packages came from.

    Raises:
        ArtifactError, IndexFailure, BuildError, EnvironmentFailure, StorageError: as an apply.
    """
    from ppm.engine.environment.build import build
    from ppm.engine.environment.staging import remove_stale

    before = wanted.generations.get(wanted.active)
    if before is not None and before.interpreter != runtime.interpreter.path:
        runtime = runtime.made_for(Path(before.interpreter))
    remove_stale(root)
    trees = _trees(journal, runtime, wanted, origins)
    packages = [
        Package(
            name=name,
            version=one.version,
            sha256=trees[name].sha256,
            requested=one.requested,
            direct_url=_direct_url(origins.find(name, one), runtime.root),
        )
        for name, one in sorted(wanted.packages.items())
    ]
    materials = [
        Material(
            package=package,
            tree=trees[package.name],
            directory=runtime.wheels.directory(package.sha256),
        )
        for package in packages
    ]
    mode = _link_mode(runtime, root, wanted.active, packages)
    return build(root, runtime.interpreter, materials, link_mode=mode)


def _direct_url(package: LockedPackage | None, root: Path) -> bytes:
    if package is None or not package.source:
        return b""
    from ppm.engine.direct.locked import direct_url  # Few projects have any.

    return direct_url(package, root)


def _trees(
    journal: Journal, runtime: Runtime, wanted: Environment, origins: Origins
) -> dict[str, WheelTree]:
    trees: dict[str, WheelTree] = {}
    missing: list[LockedPackage] = []
    for name, installed in wanted.packages.items():
        tree = runtime.wheels.tree(installed.sha256)
        if tree is not None:
            trees[name] = tree
        else:
            missing.append(origins.package(name, installed))
    if not missing:
        return trees
    from ppm.engine.operations.acquire import acquire

    return trees | acquire(journal, runtime, missing)


def _link_mode(runtime: Runtime, root: Path, name: str, packages: list[Package]) -> LinkMode:
    """The link mode that was asked for: a generation is named after it and does not tell it."""
    kept = read_generation(ProjectPaths(root).environments / name)
    venv = Path(kept.venv) if kept is not None else venv_path(root)
    modes: tuple[LinkMode, ...] = get_args(LinkMode)
    for mode in modes:
        if generation_name(runtime.interpreter, packages, mode, venv) == name:
            return mode
    return "auto"
