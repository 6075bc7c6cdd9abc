"""Distribution files for tests, and what an index says about them."""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
from collections.abc import Sequence
from pathlib import Path

from support.wheels import build_wheel

from ppm.engine.index.model import DistributionFile


def sdist(folder: Path, name: str, version: str, pkg_info: str | None) -> Path:
    """A source distribution with that PKG-INFO in its top folder."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}-{version}.tar.gz"
    members = {"setup.py": "", "src/PKG-INFO": "Name: decoy\n"}
    if pkg_info is not None:
        members["PKG-INFO"] = pkg_info
    with gzip.open(path, "wb") as packed, tarfile.open(fileobj=packed, mode="w") as archive:
        for member, text in members.items():
            info = tarfile.TarInfo(f"{name}-{version}/{member}")
            info.size = len(text.encode())
            archive.addfile(info, io.BytesIO(text.encode()))
    return path


def static_pkg_info(
    name: str, version: str, requires: Sequence[str] = (), *, metadata_version: str = "2.2"
) -> str:
    lines = [f"Metadata-Version: {metadata_version}", f"Name: {name}", f"Version: {version}"]
    return "\n".join([*lines, *(f"Requires-Dist: {text}" for text in requires), "", "About.", ""])


def large_wheel(folder: Path, name: str, version: str, *, requires: Sequence[str] = ()) -> Path:
    """A wheel whose metadata lies further from its end than one request reaches."""
    noise = hashlib.shake_256(name.encode()).digest(300_000)
    path = build_wheel(folder, name, version, files={f"{name}/noise.bin": noise}, requires=requires)
    return _moved_to_front(path)


def described(path: Path, url: str, *, metadata: str = "") -> DistributionFile:
    """``path`` as an honest index lists it at ``url``."""
    data = path.read_bytes()
    stem = path.name.removesuffix(".whl").removesuffix(".tar.gz")
    return DistributionFile(
        filename=path.name,
        url=url,
        kind="wheel" if path.suffix == ".whl" else "sdist",
        version=stem.split("-")[1],
        sha256=hashlib.sha256(data).hexdigest(),
        size=len(data),
        metadata=metadata,
    )


def _moved_to_front(path: Path) -> Path:
    import zipfile

    with zipfile.ZipFile(path) as archive:
        members = {info: archive.read(info) for info in archive.infolist()}
    ordered = sorted(members, key=lambda info: ".dist-info/" not in info.filename)
    with zipfile.ZipFile(path, "w") as archive:
        for info in ordered:
            archive.writestr(info, members[info])
    return path
