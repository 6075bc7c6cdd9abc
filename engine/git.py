"""What git has of a project's files. Plumbing commands only: no filter, pager or driver runs."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import BinaryIO

from ppm.engine.errors import ProjectError
from ppm.engine.redact import redact_text


def commit_of(revision: str, directory: Path) -> str:
    """The object name of the commit that ``revision`` names in the work tree at ``directory``.

    Raises:
        ProjectError: ``code="GIT"`` where there is no git or no such commit.
    """
    wanted = f"{revision}^{{commit}}"
    asked = _git(directory, "rev-parse", "--verify", "--end-of-options", wanted)
    if asked.returncode:
        raise ProjectError(
            f"git knows no commit {revision!r}: {_words(asked.stderr)}",
            code="GIT",
            hint="`git log --oneline` lists the commits",
        )
    return asked.stdout.decode().strip()


def file_at(commit: str, name: str, directory: Path) -> bytes | None:
    """The bytes of the file ``name`` in ``directory`` as of ``commit``; ``None`` if it had none.

    Args:
        commit: An object name, as :func:`commit_of` gives it.
        name: A file name.
        directory: A folder in the work tree.

    Raises:
        ProjectError: ``code="GIT"``.
    """
    asked = _git(directory, "cat-file", "blob", f"{commit}:./{name}")
    return None if asked.returncode else asked.stdout


def copy_file_at(commit: str, name: str, directory: Path, into: BinaryIO, *, limit: int) -> bool:
    """Copy the file ``name`` as of ``commit`` without holding it; false if there is none.

    Arguments as for :func:`file_at`; ``into`` is a real file.

    Raises:
        ProjectError: ``code="GIT"``, also where the file has more than ``limit`` bytes.
    """
    blob = f"{commit}:./{name}"
    size = _git(directory, "cat-file", "-s", blob)
    if size.returncode:
        return False
    if int(size.stdout) > limit:
        raise ProjectError(f"{name} of {commit} has more than {limit} bytes", code="GIT")
    into.flush()
    copied = _git(directory, "cat-file", "blob", blob, into=into)
    if copied.returncode:
        raise ProjectError(f"git cannot read {name}: {_words(copied.stderr)}", code="GIT")
    return True


def _git(
    directory: Path, *arguments: str, into: BinaryIO | None = None
) -> subprocess.CompletedProcess[bytes]:
    command = ["git", "-C", str(directory), *arguments]
    output = into if into is not None else subprocess.PIPE
    try:
        return subprocess.run(command, stdout=output, stderr=subprocess.PIPE, check=False)  # noqa: S603 - git
    except OSError as error:
        raise ProjectError(
            f"git cannot be run: {error.strerror}", code="GIT", hint="install git"
        ) from error


def _words(output: bytes) -> str:
    return redact_text(output.decode("utf-8", "replace").strip().removeprefix("fatal: "))
