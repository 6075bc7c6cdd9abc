"""Git repositories: which commit a revision is, and its files.

The program ``git`` does the work, in a cache of bare repositories. It runs no hook of anybody,
follows no submodule, asks nobody anything, and speaks no protocol but those of
:data:`ppm.engine.direct.reference.GIT_PROTOCOLS`. A login travels in its environment, to the server
it is for: arguments can be seen by everybody, and the cache is named without it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import TypeVar

import anyio
import anyio.abc
import anyio.to_thread
from anyio.lowlevel import checkpoint_if_cancelled

from ppm.engine.build.model import HookLimits
from ppm.engine.build.process import HookFailed, HookProcess, HookTimedOut
from ppm.engine.direct.reference import GIT_PROTOCOLS
from ppm.engine.errors import IndexFailure, PpmError
from ppm.engine.files import storage_errors
from ppm.engine.index.urls import split_login, split_url
from ppm.engine.locks import exclusive
from ppm.engine.redact import public_text, redact_text

T = TypeVar("T")

_COMMIT_LENGTH = 40
_SHORTEST = 7
_HEXADECIMAL = frozenset("0123456789abcdef")
_BRANCHES_AND_TAGS = ("+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*")
_ASKED = "refs/ppm/asked"
_VERBS = frozenset({"init", "fetch", "clone", "checkout", "rev-parse"})
_TAIL_LINES = 5
_BUSY_S = 600.0
_CONFIG = {
    "core.hooksPath": os.devnull,
    "core.fsmonitor": "false",
    "core.autocrlf": "false",
    "core.askPass": "",
    "submodule.recurse": "false",
    "gc.auto": "0",
    "maintenance.auto": "false",
    "advice.detachedHead": "false",
}
_USER, _PASSWORD = "PPM_GIT_USER", "PPM_GIT_PASSWORD"
_ANSWER = f'printf "username=%s\\npassword=%s\\n" "${_USER}" "${_PASSWORD}"'
_HELPER = f'!f() {{ test "$1" = get && {_ANSWER}; }}; f'
# How the user reaches servers; all other variables of git's are about some repository at hand.
_KEPT = ("GIT_SSH", "GIT_SSL_", "GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM")


class Repositories:
    """The cache in ``directory``.

    Args:
        directory: Made when the first repository comes.
        offline: Use what is there already only.
    """

    def __init__(self, directory: Path, *, offline: bool) -> None:
        self._directory = directory
        self._offline = offline

    async def commit(self, url: str, revision: str) -> str:
        """The commit that ``revision`` is today, ``""`` standing for the repository's own choice.

        Args:
            url: Where the repository is; may hold a login.
            revision: A branch, a tag, a ref or a commit.

        Raises:
            IndexFailure: ``GIT_FAILED``, ``GIT_REVISION``, ``OFFLINE``.
        """
        return await _in_thread(lambda git: self._commit(git, url, revision))

    async def check_out(self, url: str, commit: str, folder: Path) -> None:
        """Have the files of ``commit`` in ``folder``, which is not there yet, with their history.

        Raises:
            IndexFailure: As :meth:`commit`.
        """
        await _in_thread(lambda git: self._check_out(git, url, commit, folder))

    def _commit(self, git: _Git, url: str, revision: str) -> str:
        with self._repository(git, url) as cache:
            if _is_commit(revision) and git.knows(cache, revision):
                return revision
            self._fetch(git, cache, url, revision)
            return self._resolved(git, cache, url, revision)

    def _resolved(self, git: _Git, cache: Path, url: str, revision: str) -> str:
        names = [f"refs/heads/{revision}", f"refs/tags/{revision}"] if revision else [_ASKED]
        if revision.startswith("refs/"):
            names = [_ASKED]
        elif _may_be_commit(revision):
            names.append(revision)
        for name in names:
            found = git.resolved(cache, name)
            if found:
                return found
        raise _unknown_revision(url, revision)

    def _fetch(self, git: _Git, cache: Path, url: str, revision: str) -> None:
        if self._offline:
            raise IndexFailure(
                f"{public_text(url)} is not to be asked for {revision or 'its revision'}",
                code="OFFLINE",
                hint="run without --offline once",
            )
        asked = f"+{revision or 'HEAD'}:{_ASKED}"
        named = not revision or revision.startswith("refs/")
        git.fetch(cache, url, (*_BRANCHES_AND_TAGS, *((asked,) if named else ())))
        if _is_commit(revision) and not git.knows(cache, revision):
            # No branch leads there: servers give it if they are asked for it by name.
            git.fetch(cache, url, (asked,))

    def _check_out(self, git: _Git, url: str, commit: str, folder: Path) -> None:
        with self._repository(git, url) as cache:
            if not git.knows(cache, commit):
                self._fetch(git, cache, url, commit)
            if not git.knows(cache, commit):
                raise _unknown_revision(url, commit)
            git.run(
                "clone", "--quiet", "--no-checkout", "--template=", "--", str(cache), str(folder)
            )
            git.run("-C", str(folder), "checkout", "--quiet", "--detach", commit)

    @contextmanager
    def _repository(self, git: _Git, url: str) -> Iterator[Path]:
        """The bare repository of the cache, made if need be, this process's alone for the block."""
        name = sha256(public_text(url).encode()).hexdigest()[:32]
        path = self._directory / f"{name}.git"
        with storage_errors(self._directory):
            self._directory.mkdir(parents=True, exist_ok=True)
        with exclusive(self._directory / f"{name}.lock", timeout_s=_BUSY_S):
            _remove_locks(path)
            if not (path / "HEAD").is_file():
                git.run("init", "--quiet", "--bare", "--template=", "--", str(path))
            yield path


def _remove_locks(path: Path) -> None:
    """Delete what a killed git left: nobody else is at work in the repository now."""
    with storage_errors(path):
        for lock in (*path.glob("*.lock"), *(path / "refs").rglob("*.lock")):
            lock.unlink()


class _Git:
    """Runs ``git``, one command after the other; :meth:`kill` ends the one that runs."""

    def __init__(self) -> None:
        self._process: HookProcess | None = None
        self._killed = False

    def run(self, *arguments: str, login: str = "") -> str:
        """What it said; ``login`` is a URL whose login it may need.

        Raises:
            IndexFailure: ``GIT_FAILED`` or ``NO_GIT``.
        """
        options = [part for key, value in _CONFIG.items() for part in ("-c", f"{key}={value}")]
        process = self._process = HookProcess(git_environ(os.environ, login), HookLimits())
        if self._killed:
            process.kill()
        try:
            process.run(["git", *options, *arguments])
        except (HookFailed, HookTimedOut) as error:
            raise _failed(arguments, process.log) from error
        except OSError as error:
            raise IndexFailure(
                f"git cannot be run: {error.strerror}", code="NO_GIT", hint="install git"
            ) from error
        return process.log

    def fetch(self, cache: Path, url: str, refs: Sequence[str]) -> None:
        """Bring refs into the cache; ``url`` may hold a login."""
        options = ("--quiet", "--force", "--no-tags", "--no-recurse-submodules")
        prune = ("--prune",) if len(refs) > 1 else ()
        where = ("-C", str(cache), "fetch", *options, *prune, "--no-write-fetch-head", "--")
        self.run(*where, split_login(url)[0], *refs, login=url)

    def resolved(self, cache: Path, name: str) -> str:
        """The commit that ``name`` is in the cache, ``""`` if it is none."""
        wanted = f"{name}^{{commit}}"
        verify = ("rev-parse", "--verify", "--quiet", "--end-of-options", wanted)
        try:
            return self.run("-C", str(cache), *verify).strip()
        except IndexFailure as error:
            if error.code != "GIT_FAILED" or self._killed:
                raise
            return ""

    def knows(self, cache: Path, commit: str) -> bool:
        """Whether the cache has the commit."""
        return self.resolved(cache, commit) == commit

    def kill(self) -> None:
        """End what runs, and let nothing more run."""
        self._killed = True
        if self._process is not None:
            self._process.kill()

    async def kill_when_cancelled(self, *, task_status: anyio.abc.TaskStatus[None]) -> None:
        """Wait for ever, and kill when that is over."""
        try:
            task_status.started()
            await anyio.sleep_forever()
        finally:
            with anyio.CancelScope(shield=True):
                await anyio.to_thread.run_sync(self.kill)


def git_environ(environ: Mapping[str, str], url: str = "") -> dict[str, str]:
    """The environment that git gets: no repository at hand, no prompts, few protocols.

    Args:
        environ: Of this process.
        url: Of the repository. Its login is given to whom git asks for one, for that server alone,
            and the user's own helpers do not get to store it.
    """
    kept = {
        name: value
        for name, value in environ.items()
        if not name.startswith("GIT_") or name.startswith(_KEPT)
    }
    bare, login = split_login(url)
    logging_in: dict[str, str] = {}
    if login is not None:
        parts = split_url(bare)
        logging_in = {
            "GIT_CONFIG_COUNT": "2",
            "GIT_CONFIG_KEY_0": "credential.helper",
            "GIT_CONFIG_VALUE_0": "",
            "GIT_CONFIG_KEY_1": f"credential.{parts.scheme}://{parts.netloc}.helper",
            "GIT_CONFIG_VALUE_1": _HELPER,
            _USER: login.user,
            _PASSWORD: login.password,
        }
    return {
        "GIT_SSH_COMMAND": "ssh -oBatchMode=yes",
        **kept,
        **logging_in,
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": "",
        "SSH_ASKPASS_REQUIRE": "never",
        "GIT_ALLOW_PROTOCOL": ":".join(GIT_PROTOCOLS),
        "GIT_LFS_SKIP_SMUDGE": "1",
        "LC_ALL": "C",
    }


async def _in_thread(work: Callable[[_Git], T]) -> T:
    """Do ``work`` beside the loop; cancelling kills the git that runs."""
    git = _Git()
    outcome: T | PpmError
    async with anyio.create_task_group() as tasks:
        await tasks.start(git.kill_when_cancelled)
        outcome = await anyio.to_thread.run_sync(_outcome, git, work)
        tasks.cancel_scope.cancel()
    await checkpoint_if_cancelled()
    if isinstance(outcome, PpmError):
        raise outcome
    return outcome


def _outcome(git: _Git, work: Callable[[_Git], T]) -> T | PpmError:
    """What ``work`` comes to, a failure as a value: a task group would wrap it."""
    try:
        return work(git)
    except PpmError as error:
        return error


def _may_be_commit(revision: str) -> bool:
    return _SHORTEST <= len(revision) <= _COMMIT_LENGTH and set(revision) <= _HEXADECIMAL


def _is_commit(revision: str) -> bool:
    return len(revision) == _COMMIT_LENGTH and _may_be_commit(revision)


def _failed(arguments: Sequence[str], log: str) -> IndexFailure:
    verb = next(one for one in arguments if one in _VERBS)
    said = "\n".join(redact_text(log).strip().splitlines()[-_TAIL_LINES:])
    return IndexFailure(
        f"git {verb} failed: {said or 'it said nothing'}",
        code="GIT_FAILED",
        hint="check the address, and whether git can log in there without asking",
    )


def _unknown_revision(url: str, revision: str) -> IndexFailure:
    return IndexFailure(
        f"{public_text(url)} has no revision {revision or 'that it offers by itself'!r}",
        code="GIT_REVISION",
        hint="name a branch, a tag or a commit that is there",
    )
