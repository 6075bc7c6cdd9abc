"""Where the files of one wheel go, and what is written beside them.

https://packaging.python.org/en/latest/specifications/binary-distribution-format/ (installing a
wheel).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ppm.engine.environment import scripts
from ppm.engine.environment.files import Material, Placement, Writing, writing
from ppm.engine.environment.layout import Layout
from ppm.engine.environment.record import RecordedFile, record
from ppm.engine.errors import EnvironmentFailure
from ppm.engine.store.model import TreeFile, WheelTree

INSTALLER = b"ppm\n"
# The installer writes these; a wheel that ships one does not get to speak for it.
_SUPERSEDED = (
    *("RECORD", "RECORD.jws", "RECORD.p7s"),
    *("INSTALLER", "REQUESTED", "direct_url.json"),
)
_BYTE_CODE = "/__pycache__/"


def place(material: Material, layout: Layout) -> Iterator[Placement | Writing]:
    """Everything that a package puts into an environment, its RECORD last.

    Raises:
        EnvironmentFailure: ``SCRIPT_SHADOWS``, ``INVALID_ENTRY_POINT`` or ``UNSAFE_PATH``.
    """
    tree = material.tree
    files = [*_members(material, layout), *_launchers(tree, layout), *_statements(material, layout)]
    _refuse_unsafe(files, tree)
    _refuse_shadows(files, tree, layout)
    yield from files
    yield _record(files, tree, layout)


def _members(material: Material, layout: Layout) -> Iterator[Placement | Writing]:
    """The wheel's own files, except what the installer writes itself."""
    tree = material.tree
    data = f"{tree.dist_info.removesuffix('.dist-info')}.data/"
    superseded = {f"{tree.dist_info}/{name}" for name in _SUPERSEDED}
    root = f"{material.directory}/"
    for file in tree.files:
        if file.path.startswith(data):
            yield from _data_member(file, file.path[len(data) :], root, tree, layout)
        elif file.path not in superseded and _BYTE_CODE not in f"/{file.path}":
            path = layout.site_packages + file.path
            yield Placement(path, root + file.path, file.sha256, file.size, file.executable)


def _data_member(
    file: TreeFile, path: str, root: str, tree: WheelTree, layout: Layout
) -> Iterator[Placement | Writing]:
    key, _, rest = path.partition("/")
    folder = layout.folder(key, tree.name)
    if folder is None or not rest:
        raise _unsafe(file.path, tree)
    if key == "scripts":
        # As with pip, the launcher of an entry point wins over a script of its name.
        if rest not in {entry.name for entry in tree.entry_points}:
            yield _script(file, folder + rest, root + file.path, layout)
        return
    destination = folder + rest
    if layout.lib64 and destination.startswith("lib64/"):
        destination = "lib/" + destination.removeprefix("lib64/")
    yield Placement(destination, root + file.path, file.sha256, file.size, file.executable)


def _script(file: TreeFile, path: str, source: str, layout: Layout) -> Placement | Writing:
    with open(source, "rb") as script:  # noqa: PTH123 - the source is text, as in all placements
        head = script.read(scripts.HEAD)
        if scripts.is_for_python(head):
            data = scripts.rewritten(head + script.read(), layout.python)
            return writing(path, data, executable=True)
    return Placement(path, source, file.sha256, file.size, True, not file.executable)


def _launchers(tree: WheelTree, layout: Layout) -> Iterator[Writing]:
    for entry in tree.entry_points:
        data = scripts.launcher(entry, layout.python)
        yield writing(layout.scripts + entry.name, data, executable=True)


def _statements(material: Material, layout: Layout) -> Iterator[Writing]:
    """INSTALLER and its like (recording installed projects, PEP 376, PEP 610)."""
    folder = f"{layout.site_packages}{material.tree.dist_info}/"
    yield writing(f"{folder}INSTALLER", INSTALLER)
    if material.package.requested:
        yield writing(f"{folder}REQUESTED", b"")
    if material.package.direct_url:
        yield writing(f"{folder}direct_url.json", material.package.direct_url)


def _record(files: Iterable[Placement | Writing], tree: WheelTree, layout: Layout) -> Writing:
    site = layout.site_packages
    up = "../" * site.count("/")
    rows = [
        RecordedFile(
            file.path[len(site) :] if file.path.startswith(site) else up + file.path,
            file.sha256,
            file.size,
        )
        for file in files
    ]
    own_path = f"{tree.dist_info}/RECORD"
    return writing(site + own_path, record(rows, own_path))


def _refuse_unsafe(files: Iterable[Placement | Writing], tree: WheelTree) -> None:
    """The store has refused such paths already; nothing may leave the environment all the same."""
    joined = "\n".join(f"/{file.path}/" for file in files)
    if not any(hint in joined for hint in ("/../", "/./", "//", "\0")):
        return
    for file in files:
        if {"", ".", ".."} & set(file.path.split("/")) or "\0" in file.path:
            raise _unsafe(file.path, tree)


def _refuse_shadows(files: Iterable[Placement | Writing], tree: WheelTree, layout: Layout) -> None:
    folder = layout.scripts
    names = [file.path[len(folder) :] for file in files if file.path.startswith(folder)]
    scripts.refuse_shadows(names, tree.name)


def _unsafe(path: str, tree: WheelTree) -> EnvironmentFailure:
    return EnvironmentFailure(
        f"{tree.name} {tree.version} has a file that belongs nowhere: {path!r}",
        code="UNSAFE_PATH",
    )
