"""A package source in memory: small universes of packages, told in a few lines."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping

import msgspec
from packaging.utils import canonicalize_name
from packaging.version import Version

from ppm.engine.errors import IndexFailure
from ppm.engine.index.model import CoreMetadata, DistributionFile, ProjectPage, Release
from ppm.engine.resolve.problem import Policy, Preference, Problem, RootRequirement
from ppm.engine.target import Target

INDEX = "https://index.example/simple/"

LINUX = Target(
    name="linux-x86_64-py3.11",
    python_full_version="3.11.7",
    markers={
        "implementation_name": "cpython",
        "implementation_version": "3.11.7",
        "os_name": "posix",
        "platform_machine": "x86_64",
        "platform_python_implementation": "CPython",
        "platform_release": "6.1.0",
        "platform_system": "Linux",
        "platform_version": "1",
        "python_full_version": "3.11.7",
        "python_version": "3.11",
        "sys_platform": "linux",
    },
    tags=(
        "cp311-cp311-manylinux_2_28_x86_64",
        "cp311-cp311-manylinux_2_17_x86_64",
        "cp311-abi3-manylinux_2_17_x86_64",
        "cp39-abi3-manylinux_2_17_x86_64",
        "cp311-none-any",
        "py311-none-any",
        "py3-none-any",
    ),
)


class Universe:
    """Packages by name, and what was asked of them.

    Attributes:
        asked_pages: Names whose page was asked for, in order.
        asked_metadata: File names whose metadata was asked for, in order.
    """

    def __init__(self) -> None:
        self._files: dict[str, dict[str, list[DistributionFile]]] = {}
        self._metadata: dict[str, CoreMetadata | IndexFailure] = {}
        self._status: dict[str, str] = {}
        self.asked_pages: list[str] = []
        self.asked_metadata: list[str] = []

    def add(
        self,
        name: str,
        version: str,
        requires: Iterable[str] = (),
        *,
        extras: Mapping[str, Iterable[str]] | None = None,
        requires_python: str = "",
        wheels: Iterable[str] = ("py3-none-any",),
        sdist: bool = False,
        yanked: str | None = None,
        uploaded: str = "",
        metadata: Mapping[str, object] | None = None,
        page_requires_python: str | None = None,
    ) -> Universe:
        """Publish a version; ``metadata`` overrides fields of its metadata."""
        stem = f"{name.replace('-', '_')}-{version}"
        filenames = [(f"{stem}-{tags}.whl", "wheel") for tags in wheels]
        if sdist:
            filenames.append((f"{stem}.tar.gz", "sdist"))
        texts = list(requires)
        for extra, extra_requires in (extras or {}).items():
            texts += [_with_extra(text, extra) for text in extra_requires]
        core = CoreMetadata(
            name=name,
            version=version,
            requires_python=requires_python,
            requires_dist=tuple(texts),
            provides_extra=tuple(canonicalize_name(extra) for extra in extras or ()),
            origin="sibling",
            sha256=hashlib.sha256(stem.encode()).hexdigest(),
        )
        core = msgspec.structs.replace(core, **(metadata or {}))
        files = self._files.setdefault(canonicalize_name(name), {}).setdefault(version, [])
        for filename, kind in filenames:
            files.append(
                DistributionFile(
                    filename=filename,
                    url=f"https://files.example/{filename}",
                    kind=kind,
                    version=version,
                    sha256=hashlib.sha256(filename.encode()).hexdigest(),
                    size=1000,
                    requires_python=(
                        requires_python if page_requires_python is None else page_requires_python
                    ),
                    yanked=yanked,
                    upload_time=uploaded,
                    metadata="true",
                )
            )
            self._metadata[filename] = core
        return self

    def break_metadata(self, filename: str, code: str = "INVALID_METADATA") -> None:
        """Let the metadata of a file be refused."""
        self._metadata[filename] = IndexFailure(f"{filename}: broken on purpose", code=code)

    def mark(self, name: str, status: str) -> None:
        """Set the status of a project (PEP 792)."""
        self._status[name] = status

    def page(self, name: str) -> ProjectPage:
        """See :class:`ppm.engine.ports.PackageSource`."""
        self.asked_pages.append(name)
        if name not in self._files:
            raise IndexFailure(f"no index has {name}", code="UNKNOWN_PACKAGE")
        versions = sorted(self._files[name], key=Version, reverse=True)
        return ProjectPage(
            name=name,
            index=INDEX,
            releases=tuple(
                Release(version=version, files=tuple(self._files[name][version]))
                for version in versions
            ),
            status=self._status.get(name, "active"),
        )

    def metadata(self, file: DistributionFile) -> CoreMetadata:
        """See :class:`ppm.engine.ports.PackageSource`."""
        self.asked_metadata.append(file.filename)
        found = self._metadata[file.filename]
        if isinstance(found, IndexFailure):
            raise found
        return found


def problem(
    *requirements: str | tuple[str, str],
    constraints: Iterable[str] = (),
    locked: Mapping[str, str] | None = None,
    target: Target = LINUX,
    **policy: object,
) -> Problem:
    """A problem from requirement texts, or pairs of group and requirement."""
    pairs = [item if isinstance(item, tuple) else ("", item) for item in requirements]
    return Problem(
        roots=tuple(RootRequirement(group=group, requirement=text) for group, text in pairs),
        target=target,
        constraints=tuple(constraints),
        preferences=tuple(
            Preference(name=name, version=version) for name, version in (locked or {}).items()
        ),
        policy=Policy(**policy),  # type: ignore[arg-type]
    )


def _with_extra(text: str, extra: str) -> str:
    head, _, marker = text.partition(";")
    condition = f'extra == "{extra}"'
    return (
        f"{head.strip()} ; ({marker.strip()}) and {condition}"
        if marker
        else (f"{head.strip()} ; {condition}")
    )
