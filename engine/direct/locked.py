"""What a lock pins of a package from a direct reference, and what is derived from that. Pure.

The pin is the package's one file. Its ``kind`` is ``wheel`` or ``sdist`` for an archive, else:

    directory   url: the folder's path      sha256: of its sources
    editable    url: the folder's path      sha256: of what says how it is built
    git         url: git+…@<commit>         sha256: of the sources at that commit

Archives and repositories may have ``#subdirectory=…`` at the end of ``url``.
"""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path
from urllib.parse import quote

from ppm.engine.direct.reference import GIT, Reference, parse_reference
from ppm.events.resolution import LockedFile
from ppm.projections.lock import LockedPackage

FOLDERS = frozenset({"directory", "editable"})
"""The kinds that somebody may change without PPM."""

TREES = frozenset({*FOLDERS, "git"})
"""The kinds that have no file to fetch."""


def build_key(file: LockedFile, root: Path) -> str:
    """What a wheel built from ``file`` is kept under: equal keys, equal wheels.

    An editable wheel holds the path of its folder, so it is another one in another place. One
    archive or commit has a package in each of several subdirectories.
    """
    if file.kind == "editable":
        folder = parse_reference(file.url).on_disk(root)
        return sha256(f"editable\0{file.sha256}\0{folder}".encode()).hexdigest()
    subdirectory = parse_reference(file.url).subdirectory if "#" in file.url else ""
    if subdirectory:
        return sha256(f"subdirectory\0{file.sha256}\0{subdirectory}".encode()).hexdigest()
    return file.sha256


def direct_url(package: LockedPackage, root: Path) -> bytes:
    """The content of ``direct_url.json`` (PEP 610, "Recording the direct URL origin")."""
    (file,) = package.files
    asked = parse_reference(package.source)
    pinned = parse_reference(file.url)
    document: dict[str, object] = {"url": pinned.on_disk(root).as_uri() if pinned.path else ""}
    if file.kind in FOLDERS:
        document["dir_info"] = {"editable": True} if file.kind == "editable" else {}
    elif file.kind == "git":
        document["url"] = asked.url
        document["vcs_info"] = {
            "vcs": "git",
            **({"requested_revision": asked.revision} if asked.revision else {}),
            "commit_id": pinned.revision,
        }
    else:
        document["url"] = document["url"] or pinned.url
        document["archive_info"] = {"hashes": {"sha256": file.sha256}}
    if pinned.subdirectory:
        document["subdirectory"] = pinned.subdirectory
    return json.dumps(document, sort_keys=True).encode()


def pinned_url(reference: Reference, commit: str = "") -> str:
    """The ``url`` of the locked file of a reference."""
    if reference.kind == "git":
        place = f"{GIT}{public_place(reference)}@{commit}"
    else:
        place = reference.place
    below = f"#subdirectory={quote(reference.subdirectory)}" if reference.subdirectory else ""
    return f"{place}{below}"


def public_place(reference: Reference) -> str:
    """The repository's URL without logins and revision."""
    return reference.place.removeprefix(GIT).removesuffix(f"@{reference.revision}")
