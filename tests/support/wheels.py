"""Wheels for tests: real files, the same bytes for the same arguments, stdlib only.

``build_wheel`` writes a well-formed wheel; ``wheel_members`` gives its parts so that a test can
break one of them before ``write_wheel`` zips them.
"""

from __future__ import annotations

import base64
import hashlib
import re
import zipfile
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

Content = bytes | str
REGULAR_FILE = 0o100000


def build_wheel(
    directory: Path,
    name: str,
    version: str,
    *,
    files: Mapping[str, Content] | None = None,
    requires: Iterable[str] = (),
    extras: Mapping[str, Iterable[str]] | None = None,
    requires_python: str = "",
    entry_points: Mapping[str, Mapping[str, str]] | str = "",
    tags: str = "py3-none-any",
    data: Mapping[str, Content] | None = None,
    executable: Collection[str] = (),
    metadata: Mapping[str, str] | None = None,
    purelib: bool = True,
    build: str = "",
    compression: int = zipfile.ZIP_DEFLATED,
) -> Path:
    """Write ``<name>-<version>-<tags>.whl`` into ``directory`` and return its path.

    Args:
        directory: Made if it is missing.
        name: Any spelling; the file name gets the normalised one with underscores.
        version: As it shall stand in the file name and METADATA.
        files: Archive path to content; ``None`` gives one module ``<name>/__init__.py`` with
            ``__version__``.
        requires: ``Requires-Dist`` values.
        extras: Extra to its requirements: ``{"fast": ["speedups>=1"]}``.
        requires_python: ``Requires-Python``, left out if empty.
        entry_points: ``{"console_scripts": {"tool": "tool.cli:main"}}`` or the text itself.
        tags: ``pytag-abitag-plattag``, each may be compressed with dots.
        data: Path below ``.data`` to content: ``{"scripts/run": "#!python\\n"}``.
        executable: Archive paths (also ``data`` paths) that carry mode 0755.
        metadata: Further METADATA headers.
        purelib: ``Root-Is-Purelib``.
        build: Build tag.
        compression: A ``zipfile`` method.
    """
    members = wheel_members(
        name,
        version,
        files=files,
        requires=requires,
        extras=extras,
        requires_python=requires_python,
        entry_points=entry_points,
        tags=tags,
        data=data,
        metadata=metadata,
        purelib=purelib,
        build=build,
    )
    folder = f"{distribution_name(name)}-{version}.data/"
    marked = {*executable, *(folder + path for path in executable)}
    path = directory / wheel_filename(name, version, tags=tags, build=build)
    return write_wheel(path, members, executable=marked, compression=compression)


def wheel_filename(name: str, version: str, *, tags: str = "py3-none-any", build: str = "") -> str:
    """The file name of a wheel."""
    return "-".join([distribution_name(name), version, *([build] if build else []), tags]) + ".whl"


def distribution_name(name: str) -> str:
    """The project name as it stands in file and folder names."""
    return re.sub(r"[-_.]+", "_", name).lower()


def wheel_members(
    name: str,
    version: str,
    *,
    files: Mapping[str, Content] | None = None,
    requires: Iterable[str] = (),
    extras: Mapping[str, Iterable[str]] | None = None,
    requires_python: str = "",
    entry_points: Mapping[str, Mapping[str, str]] | str = "",
    tags: str = "py3-none-any",
    data: Mapping[str, Content] | None = None,
    metadata: Mapping[str, str] | None = None,
    purelib: bool = True,
    build: str = "",
) -> dict[str, bytes]:
    """Archive path to content of a well-formed wheel, RECORD last; arguments as ``build_wheel``."""
    stem = f"{distribution_name(name)}-{version}"
    module = distribution_name(name)
    if files is None:
        files = {f"{module}/__init__.py": f'__version__ = "{version}"\n'}
    members = {path: _bytes(content) for path, content in files.items()}
    members |= {f"{stem}.data/{path}": _bytes(text) for path, text in (data or {}).items()}
    core = core_metadata(
        name,
        version,
        requires=requires,
        extras=extras,
        requires_python=requires_python,
        further=metadata,
    )
    members[f"{stem}.dist-info/METADATA"] = core.encode()
    members[f"{stem}.dist-info/WHEEL"] = _wheel_file(tags, purelib=purelib, build=build).encode()
    if entry_points:
        text = entry_points if isinstance(entry_points, str) else _entry_points(entry_points)
        members[f"{stem}.dist-info/entry_points.txt"] = text.encode()
    members[f"{stem}.dist-info/RECORD"] = record(members, f"{stem}.dist-info/RECORD")
    return members


def core_metadata(
    name: str,
    version: str,
    *,
    requires: Iterable[str] = (),
    extras: Mapping[str, Iterable[str]] | None = None,
    requires_python: str = "",
    further: Mapping[str, str] | None = None,
) -> str:
    """The text of METADATA."""
    lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}"]
    if requires_python:
        lines.append(f"Requires-Python: {requires_python}")
    lines += [f"{key}: {value}" for key, value in (further or {}).items()]
    lines += [f"Requires-Dist: {requirement}" for requirement in requires]
    for extra, wanted in (extras or {}).items():
        lines.append(f"Provides-Extra: {extra}")
        lines += [f"Requires-Dist: {_under_extra(text, extra)}" for text in wanted]
    return "\n".join(lines) + "\n"


def record(members: Mapping[str, bytes], own_path: str, algorithm: str = "sha256") -> bytes:
    """RECORD over ``members``, with its own empty row last."""
    rows = [
        f"{_quoted(path)},{record_hash(content, algorithm)},{len(content)}"
        for path, content in members.items()
        if path != own_path
    ]
    return ("\n".join([*rows, f"{_quoted(own_path)},,"]) + "\n").encode()


def record_hash(content: bytes, algorithm: str = "sha256") -> str:
    """``algorithm=urlsafe-base64`` without padding."""
    digest = hashlib.new(algorithm, content).digest()
    return f"{algorithm}={base64.urlsafe_b64encode(digest).rstrip(b'=').decode()}"


def write_wheel(
    path: Path,
    members: Mapping[str, bytes],
    *,
    executable: Collection[str] = (),
    compression: int = zipfile.ZIP_DEFLATED,
) -> Path:
    """Zip ``members`` in their order with fixed times and modes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in members.items():
            entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            entry.create_system = 3
            entry.compress_type = compression
            mode = 0o755 if name in executable else 0o644
            entry.external_attr = (REGULAR_FILE | mode) << 16
            archive.writestr(entry, content)
    return path


def _wheel_file(tags: str, *, purelib: bool, build: str) -> str:
    pythons, abis, platforms = (part.split(".") for part in tags.split("-"))
    lines = ["Wheel-Version: 1.0", "Generator: tests"]
    lines.append(f"Root-Is-Purelib: {str(purelib).lower()}")
    if build:
        lines.append(f"Build: {build}")
    lines += [f"Tag: {p}-{a}-{f}" for p in pythons for a in abis for f in platforms]
    return "\n".join(lines) + "\n"


def _entry_points(groups: Mapping[str, Mapping[str, str]]) -> str:
    blocks = [
        "\n".join([f"[{group}]", *(f"{name} = {value}" for name, value in points.items())])
        for group, points in groups.items()
    ]
    return "\n\n".join(blocks) + "\n"


def _under_extra(requirement: str, extra: str) -> str:
    base, _, marker = (part.strip() for part in requirement.partition(";"))
    condition = f'extra == "{extra}"'
    return f"{base}; ({marker}) and {condition}" if marker else f"{base}; {condition}"


def _quoted(path: str) -> str:
    return '"' + path.replace('"', '""') + '"' if "," in path or '"' in path else path


def _bytes(content: Content) -> bytes:
    return content.encode() if isinstance(content, str) else content
