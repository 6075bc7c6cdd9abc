"""What an apply would do: a value, built and compared before anything is done. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import sha256

import msgspec

from ppm.events.resolution import LockedFile
from ppm.projections.lock import LockedPackage
from ppm.projections.state import InstalledPackage

UNBUILT = "0+unbuilt"
"""The version of a project whose backend alone knows it, until it has been built once."""


class Selection(msgspec.Struct, frozen=True, kw_only=True):
    """Which requirement groups an environment is for.

    By default the project's own requirements and every dependency group. ``dev=False`` leaves the
    dependency groups out, ``only_groups`` leaves everything else out, ``extras`` adds the project's
    optional dependencies.
    """

    dev: bool = True
    only_groups: tuple[str, ...] = ()
    extras: tuple[str, ...] = ()

    def wants(self, groups: Iterable[str]) -> bool:
        """Whether something that belongs to ``groups`` belongs to the environment."""
        return any(self._wants_group(group) for group in groups)

    def _wants_group(self, group: str) -> bool:
        if self.only_groups:
            return group in self.only_groups
        if group.startswith("extra:"):
            return group.removeprefix("extra:") in self.extras
        return group == "" or self.dev


class PlanChange(msgspec.Struct, frozen=True, kw_only=True, rename={"from_": "from"}):
    """One package: from a version (``""`` for none) to a version (``""`` for none).

    ``action`` is ``install``, ``upgrade``, ``downgrade``, ``reinstall`` or ``remove``. ``size`` (in
    bytes, 0 if unknown) and ``sha256`` are those of the file it is installed from.
    """

    name: str
    from_: str
    to: str
    action: str
    size: int
    sha256: str


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What an apply would do.

    ``plan`` is ``install``, ``upgrade``, ``remove``, ``mixed`` or ``noop``; ``packages`` maps each
    package of the environment to its version; ``digest`` is the SHA-256 over all other fields and
    the installed packages it starts from.
    """

    plan: str
    packages: dict[str, str]
    changes: tuple[PlanChange, ...]
    target: str
    digest: str


def selected(
    packages: Mapping[str, LockedPackage], selection: Selection
) -> dict[str, LockedPackage]:
    """The locked packages that belong to the environment, by name in order."""
    return {
        name: package
        for name, package in sorted(packages.items())
        if selection.wants(package.groups)
    }


def chosen_file(package: LockedPackage) -> LockedFile:
    """The file a package is installed from: its wheel, else its source distribution."""
    return min(package.files, key=lambda file: file.kind != "wheel")


def make_plan(
    locked: Mapping[str, LockedPackage],
    installed: Mapping[str, InstalledPackage],
    *,
    target: str,
    built: Mapping[str, str],
) -> Plan:
    """The plan that leads from ``installed`` to ``locked``.

    Args:
        locked: The packages the environment shall have.
        installed: Those it has.
        target: The target's name.
        built: The digest of the wheel that was built from each source distribution, by the
            distribution's digest, where one was.
    """
    changes = [
        change
        for name in sorted(locked.keys() | installed.keys())
        if (change := _change(name, locked.get(name), installed.get(name), built)) is not None
    ]
    packages = {name: package.version for name, package in sorted(locked.items())}
    draft = Plan(
        plan=_kind({change.action for change in changes}),
        packages=packages,
        changes=tuple(changes),
        target=target,
        digest="",
    )
    start = {name: package.sha256 for name, package in installed.items()}
    content = msgspec.json.encode([draft, start], order="deterministic")
    return msgspec.structs.replace(draft, digest=sha256(content).hexdigest())


def _change(
    name: str,
    locked: LockedPackage | None,
    installed: InstalledPackage | None,
    built: Mapping[str, str],
) -> PlanChange | None:
    if locked is None:
        version = installed.version if installed is not None else ""
        return PlanChange(name=name, from_=version, to="", action="remove", size=0, sha256="")
    file = chosen_file(locked)
    wheel = built.get(file.sha256, file.sha256)
    if installed is not None and (installed.version, installed.sha256) == (locked.version, wheel):
        return None
    return PlanChange(
        name=name,
        from_=installed.version if installed is not None else "",
        to=locked.version,
        action=_action(locked, installed),
        size=file.size,
        sha256=file.sha256,
    )


def _action(locked: LockedPackage, installed: InstalledPackage | None) -> str:
    if installed is None:
        return "install"
    if installed.version == locked.version:
        return "reinstall"
    from packaging.version import Version

    older = Version(locked.version) < Version(installed.version)
    return "downgrade" if older else "upgrade"


_KINDS = {
    "install": "install",
    "upgrade": "upgrade",
    "downgrade": "upgrade",
    "reinstall": "install",
    "remove": "remove",
}


def _kind(actions: set[str]) -> str:
    kinds = {_KINDS[action] for action in actions}
    if not kinds:
        return "noop"
    return kinds.pop() if len(kinds) == 1 else "mixed"
