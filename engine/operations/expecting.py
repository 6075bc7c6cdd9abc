"""A generation as it would be built from the store today: asked only where files differ."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

from ppm.engine.environment.audit import Owners, recorded_owners
from ppm.engine.environment.files import Material, Package, TreeEntry
from ppm.engine.environment.generation import venv_path
from ppm.engine.environment.interpreter import Interpreter
from ppm.engine.environment.layout import Layout, layout_for
from ppm.engine.environment.placement import place
from ppm.engine.environment.plan import plan_generation
from ppm.engine.environment.tree import root_of
from ppm.engine.errors import PpmError
from ppm.engine.runtime import Runtime
from ppm.projections.state import Environment, Generation

# Folders in which several packages put files.
_SHARED = ("bin", "Scripts", "include", "include/site", "share", "etc")


class Expectation:
    """What the active generation has to be.

    Args:
        project: The project's root.
        runtime: Its store tells what wheels hold.
        environment: Active is the generation in question.
        recorded: What the ledger says of it.
    """

    def __init__(
        self, project: Path, runtime: Runtime, environment: Environment, recorded: Generation
    ) -> None:
        self.root = recorded.root
        self._project = project
        self._runtime = runtime
        self._environment = environment
        self._interpreter = recorded.interpreter

    def entries(self) -> list[TreeEntry] | None:
        """Its entries by the wheels of the store, if they have the recorded root."""
        if self._base is None or len(self._materials) < len(self._environment.packages):
            return None
        interpreter, layout = self._base
        try:
            plan = plan_generation(interpreter, self._materials, layout)
        except (PpmError, OSError):
            return None  # The store is damaged, too.
        entries = plan.entries()
        return entries if root_of(entries) == self.root else None

    def owners(self, directory: Path) -> Owners:
        """Whose each file is: by the wheels, where the store has them, else by RECORD."""
        sites = [
            path.relative_to(directory).as_posix() for path in directory.glob("lib/*/site-packages")
        ]
        files: dict[str, str] = {}
        for site in sites:
            files |= recorded_owners(directory, site)
        if self._base is not None:
            for material in self._materials:
                files |= _placed(material, self._base[1])
        return Owners(files, [*_SHARED, *(above for site in sites for above in _parents(site))])

    @cached_property
    def _base(self) -> tuple[Interpreter, Layout] | None:
        """The interpreter and its layout; ``None`` where that interpreter is gone."""
        try:
            found = self._runtime.interpreter
            if found.path != self._interpreter:
                found = self._runtime.made_for(Path(self._interpreter)).interpreter
            return found, layout_for(found, venv_path(self._project))
        except PpmError:
            return None

    def _direct_url(self, dist_info: str) -> bytes:
        """What the environment says of a package's place; a changed byte makes another root."""
        if self._base is None:
            return b""
        folder = venv_path(self._project) / self._base[1].site_packages / dist_info
        try:
            return (folder / "direct_url.json").read_bytes()
        except OSError:
            return b""

    @cached_property
    def _materials(self) -> list[Material]:
        wheels = self._runtime.wheels
        return [
            Material(
                package=Package(
                    name=name,
                    version=one.version,
                    sha256=one.sha256,
                    requested=one.requested,
                    direct_url=self._direct_url(tree.dist_info),
                ),
                tree=tree,
                directory=wheels.directory(one.sha256),
            )
            for name, one in sorted(self._environment.packages.items())
            if (tree := wheels.peek(one.sha256)) is not None
        ]


def _placed(material: Material, layout: Layout) -> dict[str, str]:
    try:
        return {one.path: material.package.name for one in place(material, layout)}
    except (PpmError, OSError):
        return {}  # A script of it cannot be read: RECORD tells what is left.


def _parents(folder: str) -> list[str]:
    parts = folder.split("/")
    return ["/".join(parts[: count + 1]) for count in range(len(parts))]
