"""Finding a project and reading its manifest.

Only ``tomllib`` is needed: requirements are looked into just far enough to know their names, so
that a command with nothing to do loads no requirement parser. ``add`` and ``lock`` check the rest
(:func:`check_requirements`).
"""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

from ppm.engine.errors import ProjectError, RequirementError
from ppm.engine.manifest.findings import Findings, Table
from ppm.engine.manifest.groups import EXTRA, Declarations
from ppm.engine.manifest.model import Manifest, ProjectRoot
from ppm.engine.manifest.names import is_name, normalise_name, parse_requirement
from ppm.engine.manifest.settings import one_spelling, read_settings
from ppm.engine.manifest.specifier import is_specifier

PYPM = "pypm.toml"
PYPROJECT = "pyproject.toml"
MANIFESTS = (PYPM, PYPROJECT)
"""The manifest's names, the one that wins first."""


def find_project(start: Path, *, ppm_home: Path) -> ProjectRoot:
    """Climb from ``start`` to the nearest folder with ``.ppm``, else the nearest with a manifest.

    Args:
        start: Where to begin; a folder.
        ppm_home: The user's own PPM folder. It has the name and the looks of a project's ``.ppm``
            but makes no project of the home directory.

    Raises:
        ProjectError: ``NO_PROJECT``.
    """
    start = start.absolute()
    climb = (start, *start.parents)
    for folder in climb:
        marker = folder / ".ppm"
        if marker.is_dir() and marker.resolve() != ppm_home.resolve():
            return ProjectRoot(path=folder, initialized=True)
    for folder in climb:
        if any((folder / name).is_file() for name in MANIFESTS):
            return ProjectRoot(path=folder, initialized=False)
    raise ProjectError(
        f"no project in {start} or above it",
        code="NO_PROJECT",
        hint="run 'ppm init' where the project should be, or name it with --project DIR",
    )


def manifest_path(root: Path) -> Path:
    """The manifest of the project in ``root``: ``pypm.toml``, else ``pyproject.toml``.

    Raises:
        ProjectError: ``NO_MANIFEST``.
    """
    for name in MANIFESTS:
        if (root / name).is_file():
            return root / name
    raise ProjectError(
        f"{root} has neither {PYPM} nor {PYPROJECT}",
        code="NO_MANIFEST",
        hint="restore it, or run 'ppm init' there: it writes one, with the requirements that the "
        "history knows",
    )


def manifest_digest(path: Path) -> str:
    """SHA-256 of the manifest's bytes, hexadecimal.

    Raises:
        ProjectError: ``MANIFEST_UNREADABLE``.
    """
    return sha256(_bytes_of(path)).hexdigest()


def read_manifest(path: Path) -> Manifest:
    """Read a ``pypm.toml`` or ``pyproject.toml`` (PEP 621, PEP 735).

    Raises:
        ProjectError: ``MANIFEST_UNREADABLE``, or ``MANIFEST_INVALID`` with every problem found.
    """
    return parse_manifest(_bytes_of(path), file_name=path.name, directory=path.absolute().parent)


def parse_manifest(data: bytes, *, file_name: str, directory: Path) -> Manifest:
    """The manifest in ``data``, as :func:`read_manifest`.

    Args:
        data: The bytes of the file.
        file_name: ``pypm.toml`` or ``pyproject.toml``; decides which tables count.
        directory: Where the project lives; names it where the manifest does not.

    Raises:
        ProjectError: ``MANIFEST_INVALID`` with every problem found.
    """
    findings = Findings()
    document = parse_toml(data, file_name)
    tool = findings.table(document.get("tool"), "tool")
    ppm = one_spelling(findings.table(tool.get("ppm"), "tool.ppm"), findings)
    standard = file_name != PYPM
    settings = read_settings(ppm, findings, project_keys=not standard)
    declared = Declarations(findings)
    if standard:
        name, requires_python = _read_project(document, declared, findings)
    else:
        name, requires_python = _read_pypm(ppm, declared, findings), ""
    declared.check_includes()
    if findings.problems:
        raise invalid(file_name, findings.problems)
    return Manifest(
        path=file_name,
        sha256=sha256(data).hexdigest(),
        name=normalise_name(name or _folder_name(directory)),
        requires_python=",".join(filter(None, (requires_python, settings.python))),
        requirements=tuple(declared.requirements),
        groups=tuple(declared.groups),
        includes=tuple(declared.includes),
        settings=settings,
        warnings=tuple(findings.warnings),
        is_package=standard and settings.package and {"project", "build-system"} <= document.keys(),
        version=_static_version(document) if standard else "",
    )


def check_requirements(manifest: Manifest) -> None:
    """Parse every requirement in full (PEP 508).

    Raises:
        ProjectError: ``MANIFEST_INVALID`` with every requirement that does not parse.
    """
    problems = []
    for item in manifest.requirements:
        try:
            parse_requirement(item.requirement)
        except RequirementError as error:
            problems.append(f"{item.group or 'dependencies'}: {error.message}")
    if problems:
        raise invalid(manifest.path, problems)


def parse_toml(data: bytes, file_name: str) -> Table:
    """The document in ``data``.

    Raises:
        ProjectError: ``MANIFEST_INVALID``, with the line.
    """
    import tomllib

    try:
        return tomllib.loads(data.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise invalid(file_name, [f"is not UTF-8 at byte {error.start}"]) from error
    except tomllib.TOMLDecodeError as error:
        bom = data.startswith(b"\xef\xbb\xbf")
        words = "begins with a byte order mark, which TOML forbids" if bom else str(error)
        told = invalid(file_name, [words])
        if data.startswith(b"<<<<<<< ") or b"\n<<<<<<< " in data:
            told.hint = f"git left conflict markers in {file_name}: decide between the two sides"
        raise told from error


def invalid(file_name: str, problems: list[str]) -> ProjectError:
    """All problems of a manifest told at once, ``MANIFEST_INVALID``."""
    return ProjectError(
        "\n  ".join([f"{file_name} cannot be used:", *problems]),
        code="MANIFEST_INVALID",
        hint=f"correct {file_name} and run the command again",
    )


def _bytes_of(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ProjectError(
            f"{path} cannot be read: {error.strerror}",
            code="MANIFEST_UNREADABLE",
            hint="check that the file exists and who may read it",
        ) from error


def _read_project(document: Table, declared: Declarations, findings: Findings) -> tuple[str, str]:
    """``[project]`` and ``[dependency-groups]``: the name and ``requires-python``."""
    declared.read_groups(document.get("dependency-groups"), "dependency-groups")
    if "project" not in document:
        return "", ""
    project = findings.table(document["project"], "project")
    _check_dynamic(project, findings)
    declared.read_array(project.get("dependencies"), "project.dependencies", "")
    declared.read_groups(
        project.get("optional-dependencies"), "project.optional-dependencies", EXTRA
    )
    requires_python = findings.text(project.get("requires-python"), "project.requires-python")
    if requires_python and not is_specifier(requires_python):
        findings.problem("project.requires-python", "is not a version specifier")
    if "name" not in project:
        findings.problem("project.name", "is missing")
    return _name(project.get("name"), "project.name", findings), requires_python


def _static_version(document: Table) -> str:
    project = document.get("project")
    version = project.get("version") if isinstance(project, dict) else None
    return version if isinstance(version, str) else ""


def _check_dynamic(project: Table, findings: Findings) -> None:
    """What PEP 621 says of ``dynamic``; lists and tables may be static as well (PEP 808)."""
    dynamic = findings.array(project.get("dynamic"), "project.dynamic")
    if "name" in dynamic:
        findings.problem("project.dynamic", "may not hold 'name'")
    for key in ("version", "requires-python"):
        if key in dynamic and key in project:
            findings.problem(f"project.{key}", "is both given and listed as dynamic")
    if "version" not in dynamic and "version" not in project:
        findings.warn("project.version", "is missing: build tools will refuse this project")


def _read_pypm(ppm: Table, declared: Declarations, findings: Findings) -> str:
    """The project's own keys in ``[tool.ppm]`` of a ``pypm.toml``; returns the name."""
    declared.read_array(ppm.get("dependencies"), "tool.ppm.dependencies", "")
    declared.read_groups(ppm.get("dependency_groups"), "tool.ppm.dependency-groups")
    declared.read_groups(ppm.get("optional_dependencies"), "tool.ppm.optional-dependencies", EXTRA)
    return _name(ppm.get("name"), "tool.ppm.name", findings)


def _name(value: object, path: str, findings: Findings) -> str:
    name = findings.text(value, path)
    if isinstance(value, str) and not is_name(name):
        findings.problem(path, "is not a valid name: letters, digits, '-', '_' and '.' only")
    return name


def _folder_name(directory: Path) -> str:
    """A project name made of a folder's name; ``project`` where nothing of it is usable."""
    import re

    kept = re.sub(r"[^A-Za-z0-9._-]+", "-", directory.name).strip("-_.")
    return kept or "project"
