"""Requirements files, read as pip reads them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from optparse import Values
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

import msgspec

from ppm.engine.errors import RequirementError
from ppm.engine.manifest.locations import (
    NamelessError,
    as_requirement,
    find_editable,
    find_location,
)
from ppm.engine.manifest.names import normalise_name, parse_requirement
from ppm.engine.manifest.requirements_lines import LogicalLine, decode, logical_lines
from ppm.engine.manifest.requirements_options import (
    IGNORED,
    LineError,
    OptionsBuilder,
    RequirementsOptions,
    check_hash,
    split_line,
)
from ppm.engine.redact import redact_text


class FileRequirement(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One requirement or constraint of a file.

    ``requirement`` is PEP 508 text; a bare path or URL became ``name @ URL`` (the URL may hold
    credentials). ``hashes`` are ``algorithm:hexadecimal``; ``source`` is ``file:line``.
    """

    name: str
    requirement: str
    hashes: tuple[str, ...]
    source: str


class EditableRequirement(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """``-e``: an absolute path or a VCS URL, the extras asked for, and ``file:line``.

    ``requirement`` is a folder's PEP 508 text with ``#editable=true``, ``""`` for a URL.
    """

    location: str
    extras: tuple[str, ...]
    source: str
    requirement: str = ""


class RequirementsFile(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A requirements file with all it includes.

    ``unsupported`` are options PPM understands but does not follow, ``refused`` lines that ask for
    packages in a way it does not follow; each is ``file:line: what``.
    """

    requirements: tuple[FileRequirement, ...]
    constraints: tuple[FileRequirement, ...]
    editables: tuple[EditableRequirement, ...]
    options: RequirementsOptions
    unsupported: tuple[str, ...]
    refused: tuple[str, ...]


def read_requirements_file(
    path: Path,
    *,
    environment: Mapping[str, str] | None = None,
    directory: Path | None = None,
    root: Path | None = None,
) -> RequirementsFile:
    """Read a requirements file and those it includes.

    Args:
        path: The file.
        environment: Where ``${NAME}`` is looked up; the process's own by default.
        directory: What relative paths of requirements are relative to; as in pip, the working
            directory by default. Included files are found beside the one that includes them.
        root: The project that asks: what relative paths become relative to; absolute by default.

    Raises:
        RequirementError: ``INVALID_REQUIREMENTS_FILE`` with every problem found.
    """
    reader = _Reader(
        os.environ if environment is None else environment, directory or Path.cwd(), root
    )
    reader.read(path, (), constraint=False)
    if reader.problems:
        raise RequirementError(
            "\n  ".join([f"{path} cannot be used:", *reader.problems]),
            code="INVALID_REQUIREMENTS_FILE",
            hint="correct the lines named above",
        )
    return RequirementsFile(
        requirements=tuple(reader.requirements),
        constraints=tuple(reader.constraints),
        editables=tuple(reader.editables),
        options=reader.options.build(),
        unsupported=tuple(reader.unsupported),
        refused=tuple(reader.refused),
    )


class _Reader:
    def __init__(self, environment: Mapping[str, str], directory: Path, root: Path | None) -> None:
        self.requirements: list[FileRequirement] = []
        self.constraints: list[FileRequirement] = []
        self.editables: list[EditableRequirement] = []
        self.options = OptionsBuilder()
        self.unsupported: list[str] = []
        self.refused: list[str] = []
        self.problems: list[str] = []
        self._environment = environment
        self._directory = directory
        self._root = root

    def read(self, path: Path, within: tuple[Path, ...], *, constraint: bool) -> None:
        """Read one file; ``within`` are those that led to it."""
        path = Path(os.path.abspath(path))  # noqa: PTH100 - keeps links, resolves ".."
        if path in within:
            chain = " -> ".join(file.name for file in (*within[within.index(path) :], path))
            self.problems.append(f"{within[-1].name}: includes itself: {chain}")
            return
        try:
            text = decode(path.read_bytes())
        except OSError as error:
            self.problems.append(f"{path}: cannot be read: {error.strerror}")
            return
        except (UnicodeError, LookupError) as error:
            self.problems.append(f"{path}: {error}")
            return
        for line in logical_lines(text, self._environment):
            source = f"{path.name}:{line.number}"
            try:
                self._read_line(line, source, (*within, path), constraint=constraint)
            except NamelessError as error:
                self.refused.append(f"{source}: {redact_text(line.written)}: {error}")
            except ValueError as error:
                self.problems.append(f"{source}: {redact_text(line.written)}: {error}")

    def _read_line(
        self, line: LogicalLine, source: str, within: tuple[Path, ...], *, constraint: bool
    ) -> None:
        text, values = split_line(line.text)
        self._report_ignored(line, values, source, beside_requirement=bool(text))
        if text:
            self._read_requirement(text, values, source, constraint=constraint)
        elif values.editables:
            self._read_editable(values.editables[0], source, constraint=constraint)
        elif values.requirements or values.constraints:
            nested = (values.requirements or values.constraints)[0]
            self._include(nested, line, source, within, constraint=not values.requirements)
        else:
            self.options.add(values, self._find_links(values, within[-1]))

    def _read_requirement(
        self, text: str, values: Values, source: str, *, constraint: bool
    ) -> None:
        location = find_location(text, self._directory)
        if location is not None:
            text = as_requirement(location, self._root)
        try:
            parsed = parse_requirement(text)
        except RequirementError as error:
            raise LineError("is neither a requirement nor a file that is there") from error
        if constraint and parsed.extras:
            raise LineError("a constraint cannot have extras")
        found = FileRequirement(
            name=normalise_name(parsed.name),
            requirement=text,
            hashes=tuple(check_hash(value) for value in values.hashes or ()),
            source=source,
        )
        (self.constraints if constraint else self.requirements).append(found)

    def _read_editable(self, text: str, source: str, *, constraint: bool) -> None:
        if constraint:
            raise LineError("a constraint cannot be editable")
        location = find_editable(text, self._directory)
        self.editables.append(
            EditableRequirement(
                location=location.url or str(location.path),
                extras=location.extras,
                source=source,
                requirement=""
                if location.url
                else as_requirement(location, self._root, editable=True),
            )
        )

    def _include(
        self,
        nested: str,
        line: LogicalLine,
        source: str,
        within: tuple[Path, ...],
        *,
        constraint: bool,
    ) -> None:
        scheme = urlsplit(nested).scheme
        if scheme in {"http", "https"}:
            self.refused.append(
                f"{source}: includes a file from the network: {redact_text(line.written)}"
            )
            return
        path = Path(url2pathname(urlsplit(nested).path)) if scheme == "file" else Path(nested)
        self.read(within[-1].parent / path, within, constraint=constraint)

    def _find_links(self, values: Values, file: Path) -> list[str]:
        """As pip: a path is looked for beside the file first, then in the working directory."""
        found = []
        for link in values.find_links or ():
            beside = file.parent / link
            if "://" in link:
                found.append(link)
            else:
                found.append(
                    os.path.normpath(beside if beside.exists() else self._directory / link)
                )
        return found

    def _report_ignored(
        self, line: LogicalLine, values: Values, source: str, *, beside_requirement: bool
    ) -> None:
        """Report options PPM does not follow, and those that pip drops where they stand."""
        ignored = [name for name in IGNORED if getattr(values, name)]
        if beside_requirement or values.editables:
            kept = {"hashes", "editables", *ignored}
            ignored += [name for name, value in vars(values).items() if value and name not in kept]
        elif values.hashes:
            ignored.append("hashes")
        for name in ignored:
            option = {"formats": "no-binary/only-binary", "hashes": "hash"}.get(name, name)
            self.unsupported.append(
                f"{source}: --{option.replace('_', '-')} has no effect here: "
                f"{redact_text(line.written)}"
            )
