"""What git is told about a project: what it shall not see, and what it shall not merge."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ppm.engine.files import storage_errors, write_atomic

_ALONE = ("/.ppm/",)
_SHARED = ("/.ppm/*", "!/.ppm/ledger.jsonl")
_ENVIRONMENTS = ("/.venv", "/.venv.*")
_LEDGER = "/.ppm/ledger.jsonl"
_WHOLE = f"{_LEDGER} -text -merge"
"""Its bytes as they are; where both sides appended, ours stays and git declares a conflict."""


def write_git_files(root: Path, *, shared: bool) -> tuple[str, ...]:
    """Write what is missing of ``.gitignore`` and ``.gitattributes``, if ``root`` is under git.

    What stands in them stays, except that the ledger of a team is no longer ignored.

    Returns:
        The names of the files written.

    Raises:
        StorageError: The disk refused.
    """
    if not any((folder / ".git").exists() for folder in (root, *root.parents)):
        return ()
    ignored = _changed(root / ".gitignore", lambda lines: _ignoring(lines, shared=shared))
    whole = _changed(root / ".gitattributes", _keeping_whole)
    return (*((".gitignore",) if ignored else ()), *((".gitattributes",) if whole else ()))


def _ignoring(lines: list[str], *, shared: bool) -> list[str]:
    wanted = (*(_SHARED if shared else _ALONE), *_ENVIRONMENTS)
    if shared:
        lines = [line for line in lines if line.strip().strip("/") != ".ppm"]
    present = {line.strip().strip("/") for line in lines}
    if not shared and ".ppm/*" in present:
        wanted = _ENVIRONMENTS
    return lines + [line for line in wanted if line.strip("/") not in present]


def _keeping_whole(lines: list[str]) -> list[str]:
    paths = {words[0].strip("/") for line in lines if (words := line.split())}
    return lines if _LEDGER.strip("/") in paths else [*lines, _WHOLE]


def _changed(path: Path, change: Callable[[list[str]], list[str]]) -> bool:
    with storage_errors(path):
        text = path.read_bytes().decode("utf-8", "surrogateescape") if path.exists() else ""
    newline = "\r\n" if "\r\n" in text else "\n"
    lines = text.removesuffix("\n").removesuffix("\r").split(newline) if text else []
    wanted = change(lines)
    if wanted == lines:
        return False
    data = "".join(f"{line}{newline}" for line in wanted)
    write_atomic(path, data.encode("utf-8", "surrogateescape"))
    return True
