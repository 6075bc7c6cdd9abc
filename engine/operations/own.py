"""The project itself, if it is a package: installed editable, and in no lock.

What it needs are the project's own requirements, which the lock has already; its version and its
metadata change with files that a lock does not pin.
"""

from __future__ import annotations

from ppm.engine.direct.locked import build_key
from ppm.engine.direct.tree import recipe_digest
from ppm.engine.manifest.model import Manifest
from ppm.engine.planning import UNBUILT
from ppm.engine.runtime import Runtime
from ppm.events.resolution import LockedFile
from ppm.projections.lock import LockedPackage

HERE = "file:."
SOURCE = f"{HERE}#editable=true"


def own_package(runtime: Runtime, manifest: Manifest) -> LockedPackage:
    """The project of ``manifest`` as a package that is installed like a locked one.

    Raises:
        StorageError: What says how it is built cannot be read.
    """
    file = LockedFile(
        filename=manifest.name,
        url=HERE,
        sha256=recipe_digest(runtime.root),
        size=0,
        kind="editable",
    )
    return LockedPackage(
        name=manifest.name,
        version=_version(runtime, manifest, file),
        index="",
        extras=(),
        groups=("",),
        requires_python=manifest.requires_python,
        dependencies=(),
        files=(file,),
        source=SOURCE,
    )


def _version(runtime: Runtime, manifest: Manifest, file: LockedFile) -> str:
    """What it was built as, else what it says it is."""
    record = runtime.built_record(build_key(file, runtime.root))
    if record is not None:
        return record.version
    from packaging.version import InvalidVersion, Version

    try:
        return str(Version(manifest.version)) if manifest.version else UNBUILT
    except InvalidVersion:
        return UNBUILT  # Its backend says what is wrong with it.
