"""The keys of a ``pylock.toml`` entry for a package that is from no index (PEP 751).

``packages.archive``, ``packages.directory`` and ``packages.vcs`` say where it is; what a source
tree has no standard key for (its version, the digest of its sources) stands in
``packages.tool.ppm`` beside the reference as the project makes it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import msgspec

from ppm.engine.direct.locked import FOLDERS, TREES, pinned_url
from ppm.engine.direct.reference import GIT, parse_reference
from ppm.engine.errors import RequirementError
from ppm.engine.lockfile_files import is_digest, version_of
from ppm.events.resolution import LockedFile
from ppm.projections.lock import LockedPackage

if TYPE_CHECKING:
    from packaging.pylock import Package


def place_table(package: LockedPackage) -> tuple[str, dict[str, str | int | bool]]:
    """The key of the entry and the values of its table; the hashes of an archive are left out."""
    (file,) = package.files
    asked, pinned = parse_reference(package.source), parse_reference(file.url)
    below = {"subdirectory": pinned.subdirectory} if pinned.subdirectory else {}
    if file.kind in FOLDERS:
        editable = {"editable": True} if file.kind == "editable" else {}
        return "directory", {"path": pinned.path, **editable}
    if file.kind == "git":
        revision = {"requested-revision": asked.revision} if asked.revision else {}
        return "vcs", {
            "type": "git",
            "url": pinned.url,
            **revision,
            "commit-id": pinned.revision,
            **below,
        }
    where = {"path": pinned.path} if pinned.path else {"url": pinned.url}
    size = {"size": file.size} if file.size else {}
    return "archive", {**where, **size, **below}


def noted_place(package: LockedPackage) -> dict[str, str]:
    """What ``packages.tool.ppm`` says besides."""
    (file,) = package.files
    if file.kind not in TREES:
        return {"source": package.source}
    return {"source": package.source, "version": package.version, "digest": file.sha256}


def placed(
    found: Package, table: Mapping[str, Any], files: Sequence[LockedFile]
) -> tuple[str, str, LockedFile]:
    """Version, source and file of an entry for an archive, a folder or a repository.

    Args:
        found: The validated entry.
        table: The same as it is written.
        files: The archive, if it is one.

    Raises:
        RequirementError: It is none that is followed, or a source tree that PPM did not lock:
            nothing would say which sources it had.
    """
    noted = _noted(found)
    if found.archive is not None:
        reference = parse_reference(f"{files[0].url}{_below(found.archive.subdirectory)}")
        file = msgspec.structs.replace(files[0], url=pinned_url(reference))
        version = str(table.get("version") or version_of(files) or noted.get("version", ""))
        return version, _source(noted, file) or reference.source, file
    file = _tree(found, noted.get("digest", ""))
    source, version = _source(noted, file), noted.get("version", "")
    if not (source and version and is_digest(file.sha256)):
        what = "a repository" if found.vcs is not None else "a folder"
        raise RequirementError(
            f"is installed from {what} that ppm did not lock: nothing says which sources it had"
        )
    kind = "editable" if parse_reference(source).editable else file.kind
    return version, source, msgspec.structs.replace(file, kind=kind)


def _noted(found: Package) -> dict[str, str]:
    noted = (found.tool or {}).get("ppm")
    items = noted.items() if isinstance(noted, Mapping) else ()
    return {str(key): value for key, value in items if isinstance(value, str)}


def _source(noted: Mapping[str, str], file: LockedFile) -> str:
    """The reference that PPM noted, where it leads to what the standard keys say."""
    text = noted.get("source", "")
    if not text:
        return ""
    commit = parse_reference(file.url).revision
    return text if pinned_url(parse_reference(text), commit) == file.url else ""


def _tree(found: Package, digest: str) -> LockedFile:
    """The locked file of a folder or repository."""
    if found.vcs is not None:
        place = f"{GIT}{found.vcs.url or ''}@{found.vcs.commit_id}"
        pinned = parse_reference(f"{place}{_below(found.vcs.subdirectory)}")
        url, kind = pinned_url(pinned, pinned.revision), "git"
    else:
        path = found.directory.path if found.directory is not None else ""
        url, kind = pinned_url(parse_reference(path)), "directory"
    return LockedFile(filename=found.name, url=url, sha256=digest, size=0, kind=kind)


def _below(subdirectory: str | None) -> str:
    return f"#subdirectory={quote(subdirectory)}" if subdirectory else ""
