"""Scripts that say what they need: inline metadata (PEP 723), else their imports."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec

from ppm.engine.errors import ProjectError, RequirementError
from ppm.engine.manifest.findings import Findings
from ppm.engine.manifest.model import Settings
from ppm.engine.manifest.names import requirement_name
from ppm.engine.manifest.read import parse_toml
from ppm.engine.manifest.settings import one_spelling, read_settings
from ppm.engine.manifest.specifier import is_specifier

_BLOCK = re.compile(r"(?m)^# /// (?P<type>[a-zA-Z0-9-]+)$\s(?P<content>(^#(| .*)$\s)+)^# ///$")
"""The regular expression of the specification, letter by letter."""
_OPENING = re.compile(r"(?m)^\s*#\s*/{3}\s*script\s*$")


class ScriptMetadata(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The ``script`` block: PEP 508 requirements, a specifier set or ``""``, ``[tool.ppm]``."""

    dependencies: tuple[str, ...]
    requires_python: str
    settings: Settings
    warnings: tuple[str, ...]


def script_text(data: bytes, name: str) -> str:
    """A script's text with universal newlines and without byte order mark, as PEP 723 reads it.

    Raises:
        RequirementError: ``INVALID_SCRIPT``: it is not UTF-8.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _invalid(name, [f"is not UTF-8 at byte {error.start}"]) from error
    return text.replace("\r\n", "\n").replace("\r", "\n")


def read_script_metadata(text: str, name: str) -> ScriptMetadata | None:
    """The ``script`` block of a text that :func:`script_text` gave, ``None`` if there is none.

    Raises:
        RequirementError: ``INVALID_SCRIPT`` with every problem found; two blocks are one.
    """
    blocks = [match["content"] for match in _BLOCK.finditer(text) if match["type"] == "script"]
    if not blocks:
        return None
    if len(blocks) > 1:
        raise _invalid(name, [f"has {len(blocks)} 'script' blocks; only one may be there"])
    content = "".join(
        line[2:] if line.startswith("# ") else line[1:]
        for line in blocks[0].splitlines(keepends=True)
    )
    return _parse(content, name)


def has_broken_block(text: str) -> bool:
    """Whether a text without ``script`` block has a line that looks like the beginning of one.

    One line without a space after its ``#`` makes the whole block vanish, and so does a missing
    end.
    """
    return _OPENING.search(text) is not None


def _parse(content: str, name: str) -> ScriptMetadata:
    try:
        document = parse_toml(content.encode(), name)
    except ProjectError as error:
        raise _invalid(name, [f"its 'script' block is not TOML: {error.__cause__}"]) from error
    findings = Findings()
    for key in document:
        if key not in {"dependencies", "requires-python", "tool"}:
            findings.problem(key, "means nothing in a 'script' block")
    dependencies = [
        findings.text(item, f"dependencies[{place}]")
        for place, item in enumerate(findings.array(document.get("dependencies"), "dependencies"))
    ]
    for place, item in enumerate(dependencies):
        if item and requirement_name(item) is None:
            findings.problem(f"dependencies[{place}]", "does not begin with the name of a package")
    requires_python = findings.text(document.get("requires-python"), "requires-python")
    if requires_python and not is_specifier(requires_python):
        findings.problem("requires-python", "is not a version specifier")
    tool = findings.table(document.get("tool"), "tool")
    ppm = one_spelling(findings.table(tool.get("ppm"), "tool.ppm"), findings)
    settings = read_settings(ppm, findings, project_keys=False)
    if findings.problems:
        raise _invalid(name, findings.problems)
    return ScriptMetadata(
        dependencies=tuple(dependencies),
        requires_python=",".join(filter(None, (requires_python, settings.python))),
        settings=settings,
        warnings=tuple(findings.warnings),
    )


def _invalid(name: str, problems: list[str]) -> RequirementError:
    return RequirementError(
        "\n  ".join([f"{Path(name).name} cannot be used:", *problems]),
        code="INVALID_SCRIPT",
        hint="a block begins with '# /// script', ends with '# ///', and every line between is "
        "'#' or begins with '# '",
    )
