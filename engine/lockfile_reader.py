"""Reading the ``pylock.toml`` of any tool (PEP 751) for one target.

``packaging.pylock`` validates and selects; here its answers become PPM's structs. All that is
wrong is told at once.
"""

from __future__ import annotations

import dataclasses
import re
import tomllib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

import msgspec

from ppm.engine.errors import ProjectError, RequirementError
from ppm.engine.lockfile import LOCK_NAME
from ppm.engine.lockfile_files import locked_files, version_of
from ppm.engine.lockfile_notes import Known
from ppm.engine.manifest.groups import EXTRA
from ppm.engine.manifest.names import normalise_name, requirement_name
from ppm.engine.redact import strip_credentials
from ppm.engine.target import Target
from ppm.events.resolution import LockedFile
from ppm.projections.lock import LockedPackage

if TYPE_CHECKING:
    from packaging.markers import Environment
    from packaging.pylock import Package, Pylock
    from packaging.tags import Tag

_LATER_MINOR = r"1\.[1-9][0-9]*\Z"


class PylockFile(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A lock file read for one target.

    ``extras`` and ``dependency_groups`` are normalised. ``targets`` are the names of those PPM
    wrote it for, if PPM did. ``warnings`` are for the person.
    """

    created_by: str
    requires_python: str
    extras: tuple[str, ...]
    dependency_groups: tuple[str, ...]
    targets: tuple[str, ...]
    packages: tuple[LockedPackage, ...]
    warnings: tuple[str, ...]


def read_pylock(
    data: bytes, target: Target | None = None, *, file_name: str = LOCK_NAME
) -> PylockFile:
    """The packages a lock file has for ``target`` under any of its extras and groups.

    Args:
        data: The file.
        target: ``None`` stands for the running Python.
        file_name: For messages.

    Raises:
        ProjectError: ``LOCK_INVALID`` with every problem found; ``LOCK_NOT_FOR_TARGET`` where the
            file is sound but was made for other Pythons or platforms.
    """
    return _Reader(data, target, file_name).read()


def named_targets(data: bytes) -> tuple[str, ...]:
    """The targets that PPM wrote a lock file for; none for what is not PPM's or no TOML."""
    try:
        return _targets(tomllib.loads(data.decode("utf-8")).get("tool"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError):
        return ()


def _targets(tool: object) -> tuple[str, ...]:
    own = tool.get("ppm") if isinstance(tool, Mapping) else None
    targets = own.get("targets") if isinstance(own, Mapping) else None
    return tuple(map(str, targets)) if isinstance(targets, list) else ()


class _Reader:
    def __init__(self, data: bytes, target: Target | None, file_name: str) -> None:
        self.problems: list[str] = []
        self.warnings: list[str] = []
        self._data = data
        self._file_name = file_name
        self._target = target.name if target is not None else ""
        self._chosen: dict[int, object] = {}
        self._environment, self._tags = _environment(target)

    def read(self) -> PylockFile:
        document = self._document()
        lock = self._validated(document)
        self._check_target(lock)
        selected = self._selected(lock)
        packages = [
            package
            for place, found in enumerate(lock.packages)
            if place in selected
            and (package := self._package(found, selected[place], document["packages"], place))
        ]
        self._check_unique(packages)
        self._raise()
        return PylockFile(
            created_by=lock.created_by,
            requires_python=document.get("requires-python", ""),
            extras=tuple(lock.extras or ()),
            dependency_groups=tuple(map(normalise_name, lock.dependency_groups or ())),
            targets=_targets(lock.tool),
            packages=tuple(packages),
            warnings=tuple(self.warnings),
        )

    def _document(self) -> dict[str, Any]:
        try:
            document = tomllib.loads(self._data.decode("utf-8"))
        except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            self.problems.append(f"is not TOML: {error}")
            raise self._invalid() from error
        version = document.get("lock-version")
        if isinstance(version, str) and re.match(_LATER_MINOR, version):
            self.warnings.append(f"lock-version {version} is newer than 1.0: unknown keys ignored")
            document["lock-version"] = "1.0"
        return document

    def _validated(self, document: dict[str, Any]) -> Pylock:
        from packaging.pylock import Pylock, PylockValidationError

        try:
            return Pylock.from_dict(document)
        except PylockValidationError as error:
            self.problems += _all_problems(document) or [str(error)]
            raise self._invalid() from error

    def _check_target(self, lock: Pylock) -> None:
        """The two refusals that only say that the lock is somebody else's."""
        version = self._environment["python_full_version"]
        words = ""
        if lock.requires_python and not lock.requires_python.contains(version, prereleases=True):
            words = f"is for Python {lock.requires_python}, this is {version}"
        elif lock.environments and not any(
            marker.evaluate(cast("dict[str, str]", self._environment), context="requirement")
            for marker in lock.environments
        ):
            words = "is for other platforms or Pythons: " + "; ".join(map(str, lock.environments))
        if words:
            raise ProjectError(
                f"{self._file_name} {words}",
                code="LOCK_NOT_FOR_TARGET",
                hint="lock for this target too: ppm lock --target NAME",
            )

    def _selected(self, lock: Pylock) -> dict[int, list[str]]:
        """The places of the packages that apply, each with the groups that select it alone.

        A package that no marker ties to extras or groups belongs to ``""``, the plain install.
        """
        places = {id(package): place for place, package in enumerate(lock.packages)}
        tied = [package for package in lock.packages if _is_tied(package)]
        conditional = dataclasses.replace(lock, packages=tied)
        groups = [normalise_name(group) for group in lock.dependency_groups or ()]
        selected: dict[int, list[str]] = {}
        for group in ("", *(EXTRA + extra for extra in lock.extras or ()), *groups):
            for package in self._select(conditional if group else lock, group):
                selected.setdefault(places[id(package)], []).append(group)
        self._refuse_combinations(lock, tied, selected, places)
        return selected

    def _select(self, lock: Pylock, group: str) -> list[Package]:
        from packaging.markers import UndefinedComparison, UndefinedEnvironmentName
        from packaging.pylock import PylockSelectError

        extras = {group.removeprefix(EXTRA)} if group.startswith(EXTRA) else set()
        names = {group} if group and not extras else set()
        as_written = {
            name for name in lock.dependency_groups or () if normalise_name(name) in names
        }
        try:
            found = list(
                lock.select(
                    environment=self._environment,
                    tags=self._tags,
                    extras=extras,
                    dependency_groups=as_written if group else None,
                )
            )
        except (PylockSelectError, UndefinedEnvironmentName, UndefinedComparison) as error:
            self.problems.append(f"{group or 'plain install'}: {error}")
            return []
        self._chosen.update((id(package), file) for package, file in found)
        return [package for package, _ in found]

    def _refuse_combinations(
        self,
        lock: Pylock,
        tied: list[Package],
        selected: dict[int, list[str]],
        places: dict[int, int],
    ) -> None:
        """A package that only several extras or groups together bring cannot be represented."""
        everything = {
            **self._environment,
            "extras": frozenset(lock.extras or ()),
            "dependency_groups": frozenset(
                {*(lock.dependency_groups or ()), *(lock.default_groups or ())}
            ),
        }
        for package in () if self.problems else tied:
            marker = package.marker
            if places[id(package)] in selected or marker is None:
                continue
            if marker.evaluate(cast("dict[str, str]", everything), context="lock_file"):
                self.problems.append(
                    f"packages[{places[id(package)]}]: needs several extras or groups at once: "
                    f"{marker}"
                )

    def _package(
        self, found: Package, groups: list[str], tables: list[dict[str, str]], place: int
    ) -> LockedPackage | None:
        path = f"packages[{place}]"
        place_keys = found.archive or found.directory or found.vcs
        is_project = found.directory is not None and found.directory.path in {".", "./"}
        if is_project and not (found.tool or {}).get("ppm"):
            self.warnings.append(f"{path}: the project itself ({found.name}) is left out")
            return None
        files = locked_files(found, path, self.problems)
        known = self._known(found, groups, path)
        source, version = "", tables[place].get("version") or version_of(files)
        if place_keys is not None:
            from ppm.engine.lockfile_places import placed

            try:
                version, source, file = placed(found, tables[place], files)
            except RequirementError as error:
                self.problems.append(f"{path}: {found.name}: {error.message}")
                return None
            files = (file,)
        if not version:
            self.problems.append(f"{path}: {found.name} has no version")
        return LockedPackage(
            name=found.name,
            version=version,
            index=strip_credentials(found.index or ""),
            extras=known.extras,
            groups=known.groups,
            requires_python=tables[place].get("requires-python", ""),
            dependencies=known.dependencies,
            files=self._narrowed(found, files, known.files),
            source=source,
        )

    def _narrowed(
        self, found: Package, files: tuple[LockedFile, ...], noted: tuple[str, ...]
    ) -> tuple[LockedFile, ...]:
        """The files for this target: those PPM noted, else the wheel that fits and the source."""
        if not found.wheels:
            return files
        if noted and set(noted) <= {file.filename for file in files}:
            return tuple(file for file in files if file.filename in noted)
        fitting = getattr(self._chosen.get(id(found)), "filename", "")
        return tuple(file for file in files if file.kind != "wheel" or file.filename == fitting)

    def _known(self, found: Package, groups: list[str], path: str) -> Known:
        """What PPM noted when it wrote the lock, as far as the standard keys say the same."""
        names = tuple(str(table.get("name", "")) for table in found.dependencies or ())
        plain = Known(groups=tuple(groups), dependencies=tuple(filter(None, names)))
        noted = (found.tool or {}).get("ppm")
        if noted is None:
            return plain
        try:
            known = msgspec.convert(noted, Known).on(self._target)
        except msgspec.ValidationError as error:
            self.warnings.append(f"{path}.tool.ppm: ignored: {error}")
            return plain
        if _selecting(known.groups) != _selecting(groups):
            known = msgspec.structs.replace(known, groups=plain.groups)
        needed = {requirement_name(text) for text in known.dependencies}
        # The standard key lists what any of the targets needs.
        agrees = needed <= set(names) if known.targets else needed == set(plain.dependencies)
        if not agrees:
            known = msgspec.structs.replace(known, dependencies=plain.dependencies)
        return known

    def _check_unique(self, packages: list[LockedPackage]) -> None:
        seen: set[str] = set()
        for package in packages:
            if package.name in seen:
                self.problems.append(
                    f"{package.name}: stands here in several versions for one target, as different "
                    "extras or groups ask"
                )
            seen.add(package.name)

    def _raise(self) -> None:
        if self.problems:
            raise self._invalid()

    def _invalid(self) -> ProjectError:
        own = f"remove {LOCK_NAME} and run `ppm lock`, or restore it"
        return ProjectError(
            "\n  ".join([f"{self._file_name} cannot be used:", *self.problems]),
            code="LOCK_INVALID",
            hint=own if self._file_name == LOCK_NAME else "have its maker write it again",
        )


def _environment(target: Target | None) -> tuple[Environment, list[Tag] | None]:
    from packaging.markers import default_environment
    from packaging.tags import Tag

    if target is None:
        return default_environment(), None
    values = {**target.markers, "python_full_version": target.python_full_version}
    return cast("Environment", values), [Tag(*tag.split("-")) for tag in target.tags]


def _selecting(groups: Sequence[str]) -> set[str]:
    """The groups that decide: what the plain install brings, none of the others has to."""
    return {""} if not groups or "" in groups else set(groups)


def _is_tied(package: Package) -> bool:
    """Whether a package's marker looks at extras or groups."""
    marker = str(package.marker or "")
    return " in extras" in marker or " in dependency_groups" in marker


def _all_problems(document: dict[str, Any]) -> list[str]:
    """What is wrong with each package by itself: the library stops at the first."""
    from packaging.pylock import Pylock, PylockValidationError

    packages = document.get("packages")
    if not isinstance(packages, list):
        return []
    problems = []
    head = {**document, "packages": []}
    for place, packages_one in [(-1, []), *((i, [package]) for i, package in enumerate(packages))]:
        minimal = {"lock-version": "1.0", "created-by": "ppm"} if place >= 0 else head
        try:
            Pylock.from_dict({**minimal, "packages": packages_one})
        except PylockValidationError as error:
            problems.append(str(error).replace("packages[0]", f"packages[{place}]"))
    return problems
