"""Source distributions for tests: the same bytes for the same arguments, stdlib only."""

from __future__ import annotations

import gzip
import io
import tarfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from support.wheels import Content, core_metadata, distribution_name

BACKEND = '''
"""A build backend that packs the folder ``src``, and does more where its test says so."""
import base64, hashlib, os, sys, zipfile
from pathlib import Path

settings = dict(line.split("=", 1) for line in Path("backend.txt").read_text().splitlines())
stem = "{name}-{version}".format(**settings)
when = (2020, 1, 1, 0, 0, 0)

def _metadata():
    lines = ["Metadata-Version: 2.1", "Name: {name}", "Version: {version}"]
    lines = [line.format(**settings) for line in lines]
    needed = [text for text in settings.get("needs", "").split(";") if text]
    return "\\n".join(lines + ["Requires-Dist: " + text for text in needed]) + "\\n"

def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    sources = sorted(Path("src").rglob("*.py"))
    files = {path.relative_to("src").as_posix(): path.read_bytes() for path in sources}
    info = stem + ".dist-info/"
    files[info + "METADATA"] = _metadata().encode()
    tag = settings.get("tag", "py3-none-any")
    files[info + "WHEEL"] = f"Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: {tag}\\n".encode()
    rows = []
    for path, data in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
        rows.append(f"{path},sha256={digest},{len(data)}\\n")
    files[info + "RECORD"] = ("".join(rows) + info + "RECORD,,\\n").encode()
    name = f"{stem}-{tag}.whl"
    with zipfile.ZipFile(Path(wheel_directory, name), "w") as archive:
        for path, data in files.items():
            entry = zipfile.ZipInfo(path, when)
            entry.create_system, entry.external_attr = 3, 0o100644 << 16
            archive.writestr(entry, data)
    return name
'''
"""Reads its settings from ``backend.txt``: name, version, needs (``;`` between), tag."""

PREPARE = """
def prepare_metadata_for_build_wheel(metadata_directory, config_settings=None):
    folder = Path(metadata_directory, stem + ".dist-info")
    folder.mkdir()
    (folder / "METADATA").write_text(_metadata())
    return folder.name
"""
"""The hook that spares building the wheel for its metadata."""


def build_sdist(
    directory: Path,
    name: str,
    version: str,
    *,
    files: Mapping[str, Content] | None = None,
    requires: Iterable[str] = (),
    metadata: str = "",
) -> Path:
    """Write ``<name>-<version>.tar.gz`` with ``files`` below its top folder.

    Args:
        directory: Made if it is missing.
        name: Any spelling; the file name gets the normalised one with underscores.
        version: As it shall stand in the file name and PKG-INFO.
        files: Path to content; PKG-INFO is added.
        requires: ``Requires-Dist`` of PKG-INFO.
        metadata: All of PKG-INFO; its default is of version 2.1, which is static in nothing.
    """
    stem = f"{distribution_name(name)}-{version}"
    info = metadata or core_metadata(name, version, requires=requires)
    content = {"PKG-INFO": info, **(files or {})}
    members = [regular(f"{stem}/{path}", _bytes(data)) for path, data in content.items()]
    return write_sdist(directory / f"{stem}.tar.gz", members)


def in_tree_sdist(
    directory: Path,
    name: str,
    version: str,
    *,
    backend: str = BACKEND,
    requires: Iterable[str] = (),
    settings: Mapping[str, str] | None = None,
    files: Mapping[str, Content] | None = None,
) -> Path:
    """A source distribution that brings its own backend, below ``backend-path``."""
    needed = ", ".join(f'"{text}"' for text in requires)
    module = distribution_name(name)
    lines = {"name": module, "version": version, **(settings or {})}
    return build_sdist(
        directory,
        name,
        version,
        files={
            "pyproject.toml": f"[build-system]\nrequires = [{needed}]\n"
            'build-backend = "backend"\nbackend-path = ["tools"]\n',
            "tools/backend.py": backend,
            "backend.txt": "".join(f"{key}={value}\n" for key, value in lines.items()),
            f"src/{module}/__init__.py": f'__version__ = "{version}"\n',
            **(files or {}),
        },
    )


Member = tuple[tarfile.TarInfo, bytes]


def regular(path: str, content: bytes = b"content\n", *, mode: int = 0o644) -> Member:
    """A file of a tar archive."""
    member = tarfile.TarInfo(path)
    member.size, member.mode, member.mtime = len(content), mode, 1_600_000_000
    return member, content


def special(path: str, kind: bytes, *, target: str = "") -> Member:
    """A folder, link, device or pipe: ``kind`` is one of tarfile's ``…TYPE``."""
    member = tarfile.TarInfo(path)
    member.type, member.linkname, member.mode = kind, target, 0o755
    return member, b""


def write_sdist(path: Path, members: Iterable[Member]) -> Path:
    """Pack ``members`` in their order, whatever they are."""
    path.parent.mkdir(parents=True, exist_ok=True)
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for member, content in members:
            archive.addfile(member, io.BytesIO(content))
    path.write_bytes(gzip.compress(packed.getvalue(), mtime=0))
    return path


def _bytes(content: Content) -> bytes:
    return content.encode() if isinstance(content, str) else content
