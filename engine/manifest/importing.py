"""Requirements out of any file that PPM can import from."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from ppm.engine.errors import RequirementError
from ppm.engine.manifest.model import Settings
from ppm.engine.manifest.names import parse_requirement
from ppm.engine.manifest.read import PYPM, PYPROJECT, read_manifest
from ppm.engine.manifest.requirements_options import RequirementsOptions
from ppm.engine.manifest.requirements_txt import (
    EditableRequirement,
    FileRequirement,
    read_requirements_file,
)
from ppm.engine.target import Target
from ppm.projections.lock import LockedPackage

if TYPE_CHECKING:
    from ppm.engine.manifest.model import Manifest

_NOT_READ = {
    "environment.yml": "write its pip packages into a requirements file and import that",
    "environment.yaml": "write its pip packages into a requirements file and import that",
    "Pipfile": "run 'pipenv requirements > requirements.txt' and import that",
    "Pipfile.lock": "run 'pipenv requirements > requirements.txt' and import that",
    "poetry.lock": "run 'poetry export -o requirements.txt' and import that",
    "uv.lock": "run 'uv export --format pylock.toml -o pylock.toml' and import that",
    "pdm.lock": "run 'pdm export --format pylock -o pylock.toml' and import that",
    "setup.py": "write what it requires into a requirements file and import that",
    "setup.cfg": "write what it requires into a requirements file and import that",
}


class ImportedRequirements(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a file asks for.

    ``kind`` is ``requirements``, ``script-metadata``, ``script-imports``, ``pylock`` or
    ``manifest``. ``locked`` are a lock file's packages with their files; its ``requirements`` pin
    the same. ``unsupported`` is what the file says and PPM does not follow, ``warnings`` what the
    person should know; both are to be shown. ``refused`` are the lines that ask for packages in a
    way that PPM does not follow.
    """

    kind: str
    requirements: tuple[FileRequirement, ...]
    constraints: tuple[FileRequirement, ...] = ()
    editables: tuple[EditableRequirement, ...] = ()
    options: RequirementsOptions = RequirementsOptions()
    settings: Settings = Settings()
    requires_python: str = ""
    locked: tuple[LockedPackage, ...] = ()
    unsupported: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def requirements_from(
    path: Path,
    *,
    target: Target | None = None,
    environment: Mapping[str, str] | None = None,
    directory: Path | None = None,
    root: Path | None = None,
) -> ImportedRequirements:
    """Read a requirements file, script, lock file, ``pypm.toml`` or PEP 621 ``pyproject.toml``.

    Of manifests and lock files, what a plain install takes: no dependency groups, no extras.

    Args:
        path: The file; its name, else its content, says what it is.
        target: What a lock file is read for; the running Python by default.
        environment: Where requirements files look up variables.
        directory: What paths in requirements files are relative to.
        root: The project that asks: what such paths become relative to.

    Raises:
        RequirementError: ``UNSUPPORTED_FILE``, ``NO_SUCH_FILE``, or what is wrong with the file.
        ProjectError: A manifest or lock file that cannot be used.
    """
    if path.name in _NOT_READ:
        raise _unsupported(path, _NOT_READ[path.name])
    data = _read(path)
    if path.name in {PYPM, PYPROJECT}:
        return _from_manifest(path, data)
    if path.name.startswith("pylock.") and path.suffix == ".toml":
        return _from_pylock(path, data, target)
    if path.suffix == ".py" or _is_script(path, data):
        return _from_script(path, data)
    if path.suffix in {".txt", ".in", ""}:
        return _from_requirements(path, environment, directory, root)
    raise _unsupported(path, "give it a name that ends in .txt, .py or .toml as its content is")


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise RequirementError(
            f"{path} cannot be read: {error.strerror}",
            code="NO_SUCH_FILE",
            hint="check the name of the file and who may read it",
        ) from error


def _is_script(path: Path, data: bytes) -> bool:
    """A file without a telling name whose first line starts Python."""
    first = data.partition(b"\n")[0]
    return not path.suffix and first.startswith(b"#!") and b"python" in first


def _from_requirements(
    path: Path,
    environment: Mapping[str, str] | None,
    directory: Path | None,
    root: Path | None,
) -> ImportedRequirements:
    file = read_requirements_file(path, environment=environment, directory=directory, root=root)
    return ImportedRequirements(
        kind="requirements",
        requirements=file.requirements,
        constraints=file.constraints,
        editables=file.editables,
        options=file.options,
        unsupported=file.unsupported,
        refused=file.refused,
    )


def _from_manifest(path: Path, data: bytes) -> ImportedRequirements:
    manifest = read_manifest(path)
    if path.name == PYPROJECT and "project" not in tomllib.loads(data.decode()):
        hint = "add a [project] table (PEP 621)"
        if b"[tool.poetry" in data:
            hint = "run 'poetry export -o requirements.txt' and import that"
        raise _unsupported(path, hint)
    return ImportedRequirements(
        kind="manifest",
        requirements=_own_requirements(manifest),
        settings=manifest.settings,
        requires_python=manifest.requires_python,
        warnings=manifest.warnings,
    )


def _own_requirements(manifest: Manifest) -> tuple[FileRequirement, ...]:
    from ppm.engine.manifest.groups import expand_group

    return tuple(_requirement(text, manifest.path) for text in expand_group(manifest, ""))


def _from_script(path: Path, data: bytes) -> ImportedRequirements:
    from ppm.engine.manifest.script import read_script_metadata, script_text

    metadata = read_script_metadata(script_text(data, path.name), path.name)
    if metadata is None:
        return _from_imports(path, data)
    return ImportedRequirements(
        kind="script-metadata",
        requirements=tuple(_requirement(text, path.name) for text in metadata.dependencies),
        settings=metadata.settings,
        requires_python=metadata.requires_python,
        warnings=metadata.warnings,
    )


def _from_imports(path: Path, data: bytes) -> ImportedRequirements:
    from ppm.engine.manifest.imports import scan_imports
    from ppm.engine.manifest.script import has_broken_block, script_text

    warnings = []
    if has_broken_block(script_text(data, path.name)):
        warnings.append(
            f"{path.name}: its '# /// script' block is not well formed and was ignored, as "
            "PEP 723 demands; what the script imports was taken instead"
        )
    requirements = []
    unsupported = []
    for scanned in scan_imports(data, path):
        if not scanned.distribution:
            unsupported.append(f"{path.name}: import {scanned.module}: not known who provides it")
            continue
        requirements.append(_requirement(scanned.distribution, path.name))
        if not scanned.known:
            warnings.append(
                f"{path.name}: import {scanned.module}: taken to be the package "
                f"{scanned.distribution}"
            )
    return ImportedRequirements(
        kind="script-imports",
        requirements=tuple(requirements),
        unsupported=tuple(unsupported),
        warnings=tuple(warnings),
    )


def _from_pylock(path: Path, data: bytes, target: Target | None) -> ImportedRequirements:
    from ppm.engine.lockfile_reader import read_pylock

    lock = read_pylock(data, target, file_name=path.name)
    plain = tuple(
        _with_absolute_files(package, path.absolute().parent)
        for package in lock.packages
        if "" in package.groups
    )
    return ImportedRequirements(
        kind="pylock",
        requirements=tuple(
            FileRequirement(
                name=package.name,
                requirement=_asking_for(package, path.absolute().parent),
                hashes=tuple(f"sha256:{file.sha256}" for file in package.files),
                source=path.name,
            )
            for package in plain
        ),
        requires_python=lock.requires_python,
        locked=plain,
        warnings=lock.warnings,
    )


def _asking_for(package: LockedPackage, folder: Path) -> str:
    """A requirement for the very package; a path beside the lock, in ``folder``, made absolute."""
    if not package.source:
        return f"{package.name}=={package.version}"
    from ppm.engine.direct.reference import parse_reference

    reference = parse_reference(package.source)
    if reference.path:
        absolute = reference.on_disk(folder).as_posix()
        reference = msgspec.structs.replace(reference, path=absolute)
    return f"{package.name} @ {reference.source}"


def _with_absolute_files(package: LockedPackage, folder: Path) -> LockedPackage:
    """The package with the paths of its files, relative to the lock's folder, as URLs."""
    files = tuple(
        file
        if "://" in file.url
        else msgspec.structs.replace(file, url=_absolute(file.url, folder))
        for file in package.files
    )
    return msgspec.structs.replace(package, files=files)


def _absolute(place: str, folder: Path) -> str:
    """The URL of a path, plain or as a direct reference has it, seen from ``folder``."""
    if place.startswith("file:"):
        from ppm.engine.direct.reference import parse_reference

        return parse_reference(place).on_disk(folder).resolve().as_uri()
    return (folder / place).resolve().as_uri()


def _requirement(text: str, source: str) -> FileRequirement:
    from ppm.engine.manifest.names import normalise_name

    name = normalise_name(parse_requirement(text).name)
    return FileRequirement(name=name, requirement=text, hashes=(), source=source)


def _unsupported(path: Path, hint: str) -> RequirementError:
    return RequirementError(
        f"{path.name} is of a kind that ppm does not read", code="UNSUPPORTED_FILE", hint=hint
    )
