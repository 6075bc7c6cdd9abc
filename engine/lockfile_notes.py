"""What PPM noted of a package in a lock file (``packages.tool.ppm``), as it holds on one target."""

from __future__ import annotations

import msgspec


class OnTarget(msgspec.Struct, frozen=True, kw_only=True):
    """``packages.tool.ppm.targets.NAME``: what differs from target to target."""

    groups: tuple[str, ...] | None = None
    extras: tuple[str, ...] | None = None
    dependencies: tuple[str, ...] | None = None
    files: tuple[str, ...] = ()


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """``packages.tool.ppm``; ``files`` are the names of those that this target has."""

    groups: tuple[str, ...] = ()
    extras: tuple[str, ...] = ()
    dependencies: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    targets: dict[str, OnTarget] = {}

    def on(self, target: str) -> Known:
        """What holds on one target."""
        own = self.targets.get(target, OnTarget())
        return Known(
            groups=self.groups if own.groups is None else own.groups,
            extras=self.extras if own.extras is None else own.extras,
            dependencies=self.dependencies if own.dependencies is None else own.dependencies,
            files=own.files,
            targets=self.targets,
        )
