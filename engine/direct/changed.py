"""Whether a folder that a lock pins is still what was locked."""

from __future__ import annotations

from pathlib import Path

from ppm.engine.direct.reference import parse_reference
from ppm.engine.direct.tree import recipe_digest, tree_digest
from ppm.events.resolution import LockedFile


def has_changed(file: LockedFile, root: Path) -> bool:
    """Whether the sources of a locked folder have another digest today. Blocks.

    Of an editable one only what says how it is built counts: the rest takes effect by itself.

    Raises:
        ArtifactError: It is gone, or is no source tree.
        StorageError: It cannot be read.
    """
    folder = parse_reference(file.url).on_disk(root)
    digest = recipe_digest(folder) if file.kind == "editable" else tree_digest(folder)
    return digest != file.sha256
