"""What ``ppm import`` was asked for, from the command line and from a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from ppm.engine.direct.naming import named
from ppm.engine.errors import ArtifactError, RequirementError
from ppm.engine.manifest.importing import ImportedRequirements, requirements_from
from ppm.engine.manifest.names import normalise_name, parse_requirement
from ppm.engine.planning import chosen_file
from ppm.engine.redact import redact_text
from ppm.projections.lock import LockedPackage


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """Requirements and what limits them.

    ``hashes`` are the digests (``algorithm:hexadecimal``) a file allows for each name it gives any
    for. ``index_url`` may hold credentials.
    """

    requirements: tuple[str, ...]
    constraints: tuple[str, ...] = ()
    hashes: dict[str, tuple[str, ...]] = {}
    index_url: str = ""
    warnings: tuple[str, ...] = ()


def asked_for(requirements: Sequence[str], file: Path | None, root: Path | None = None) -> Asked:
    """The requirements of the command line and those of ``file``.

    Paths that are relative become relative to the project's ``root``; without one, absolute.

    Raises:
        RequirementError: One does not parse, or the file asks for something that is not followed.
        ProjectError: The file is a manifest or lock file that cannot be used.
    """
    requirements = named(requirements, Path.cwd(), root)
    for text in requirements:
        parse_requirement(text)
    if file is None:
        return Asked(requirements=tuple(requirements))
    found = requirements_from(file, root=root)
    _refuse_unfollowed(found)
    hashes: dict[str, tuple[str, ...]] = {}
    for one in (*found.requirements, *found.constraints):
        if one.hashes:
            name = normalise_name(one.name)
            hashes[name] = (*hashes.get(name, ()), *one.hashes)
    return Asked(
        requirements=(
            *requirements,
            *(one.requirement for one in found.requirements),
            *(one.requirement for one in found.editables),
        ),
        constraints=tuple(one.requirement for one in found.constraints),
        hashes=hashes,
        index_url=found.options.index_url or found.settings.index_url,
        warnings=(*found.warnings, *(f"not followed: {what}" for what in _unfollowed(found, file))),
    )


def _refuse_unfollowed(found: ImportedRequirements) -> None:
    """What asks for packages is followed or refused: never done without."""
    remote = [one for one in found.editables if not one.requirement]
    if remote:
        raise RequirementError(
            f"{remote[0].source}: {redact_text(remote[0].location)}: only a folder can be editable",
            code="UNSUPPORTED_REQUIREMENT",
            hint="leave the -e away: a repository is installed from the commit it is at",
        )
    if found.refused:
        raise RequirementError(
            "\n  ".join(["these lines are not supported:", *found.refused]),
            code="UNSUPPORTED_REQUIREMENT",
            hint="name the packages by name and version, or leave these lines out",
        )


def _unfollowed(found: ImportedRequirements, file: Path) -> tuple[str, ...]:
    options = (name for name in found.options.names() if name != "--index-url")
    return (*found.unsupported, *(f"{file.name}: {name}" for name in options))


def check_hashes(asked: Asked, packages: Mapping[str, LockedPackage]) -> None:
    """Refuse a lock whose files are not among those that the requirements file allows.

    Raises:
        ArtifactError: ``code="HASH_MISMATCH"``.
    """
    for name, allowed in asked.hashes.items():
        package = packages.get(name)
        if package is None:
            continue
        file = chosen_file(package)
        if f"sha256:{file.sha256}" not in allowed:
            raise ArtifactError(
                f"{file.filename} has sha256 {file.sha256}, which the requirements file does not"
                " list",
                code="HASH_MISMATCH",
                hint="update the --hash values, or find out who changed the file",
            )
