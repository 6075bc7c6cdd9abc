"""What is measured, as data: command lines, and what must be done before each.

Every command runs in the tool's own project folder with the tool's own cache, both on the same
file system, so that both can hard-link. ``{index}``, ``{cache}``, ``{inputs}``, ``{python}``,
``{tools}`` and ``{another}`` are filled in; ``{requirements}`` stands for several arguments.

Each tool does the same work in a row: resolve with hashes, or make an environment whose files were
checked against those hashes, without compiling byte code. What PPM does beyond that (its ledger,
the files' own digests, keeping the old environment) is inside its times.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

Command = tuple[str, ...]

EMPTY_PROJECT: Command = ("find", ".", "-mindepth", "1", "-delete")
EMPTY_CACHE: Command = ("rm", "-rf", "{cache}")


@dataclass(frozen=True, kw_only=True)
class Case:
    """One cell of the table: ``before`` is done untimed, then ``timed`` is measured as a whole."""

    before: tuple[Command, ...]
    timed: tuple[Command, ...]


@dataclass(frozen=True, kw_only=True)
class Tool:
    """A program under test: how it tells its version, its settings, its cell in each row."""

    version: Command
    environment: Mapping[str, str]
    cases: Mapping[str, Case]


def _ppm() -> Tool:
    new = (
        EMPTY_PROJECT,
        ("{tools}/ppm", "init", "-q"),
        ("{tools}/ppm", "add", "-q", "{requirements}"),
    )
    lock = ("{tools}/ppm", "lock", "-q")
    apply = ("{tools}/ppm", "apply", "-q")
    another = ("{tools}/ppm", "add", "-q", "{another}", "--lock")
    back = ("{tools}/ppm", "rollback", "-q", "--last")
    return Tool(
        version=("{tools}/ppm", "version"),
        environment={"PPM_HOME": "{cache}", "PPM_INDEX_URL": "{index}"},
        cases={
            "cold lock": Case(before=(*new, EMPTY_CACHE), timed=(lock,)),
            "warm lock": Case(before=(*new, lock, *new), timed=(lock,)),
            "cold apply": Case(before=(*new, lock, EMPTY_CACHE), timed=(apply,)),
            "warm apply": Case(before=(*new, lock, apply, *new, lock), timed=(apply,)),
            "no-op apply": Case(before=(*new, lock, apply), timed=(apply,)),
            "rollback": Case(before=(*new, lock, apply, another, apply), timed=(back,)),
        },
    )


def _uv() -> Tool:
    index = ("--quiet", "--index-url", "{index}")
    lock = (
        *("{tools}/uv", "pip", "compile", "--generate-hashes", "--python", "{python}", *index),
        *("{inputs}/requirements.in", "--output-file", "requirements.txt"),
    )
    create = ("{tools}/uv", "venv", "--quiet", "--python", "{python}", ".venv")
    sync = ("{tools}/uv", "pip", "sync", "--python", ".venv", *index, "requirements.txt")
    remove = ("rm", "-rf", ".venv")
    warm = Case(
        before=(EMPTY_PROJECT, lock, create, sync, remove),
        timed=(create, sync),
    )
    return Tool(
        version=("{tools}/uv", "--version"),
        environment={
            "UV_CACHE_DIR": "{cache}",
            "UV_LINK_MODE": "hardlink",
            "UV_NO_CONFIG": "1",
            "UV_PYTHON_DOWNLOADS": "never",
        },
        cases={
            "cold lock": Case(before=(EMPTY_PROJECT, EMPTY_CACHE), timed=(lock,)),
            "warm lock": Case(before=(EMPTY_PROJECT, lock, EMPTY_PROJECT), timed=(lock,)),
            "cold apply": Case(before=(EMPTY_PROJECT, lock, EMPTY_CACHE), timed=(create, sync)),
            "warm apply": warm,
            "no-op apply": Case(before=(EMPTY_PROJECT, lock, create, sync), timed=(sync,)),
            # It keeps no old environment: the way back is to install again from the cache.
            "rollback": warm,
        },
    )


def _pip() -> Tool:
    # Without the trusted host pip does not cache what it fetches by plain HTTP.
    install = ("{tools}/python", "-m", "pip", "--python", "{python}", "install", "--quiet")
    index = ("--index-url", "{index}", "--trusted-host", "127.0.0.1", "--no-compile")
    lock = (
        *(*install, "--dry-run", "--ignore-installed", "--report", "report.json", *index),
        *("--requirement", "{inputs}/requirements.in"),
    )
    create = ("{python}", "-m", "venv", "--without-pip", ".venv")
    into = tuple(".venv/bin/python" if word == "{python}" else word for word in install)
    sync = (*into, *index, "--require-hashes", "--no-deps", "-r", "{inputs}/locked.txt")
    warm = Case(before=(EMPTY_PROJECT, create, sync, EMPTY_PROJECT), timed=(create, sync))
    return Tool(
        version=("{tools}/python", "-m", "pip", "--version"),
        environment={"PIP_CACHE_DIR": "{cache}", "PIP_DISABLE_PIP_VERSION_CHECK": "1"},
        cases={
            "cold lock": Case(before=(EMPTY_PROJECT, EMPTY_CACHE), timed=(lock,)),
            "warm lock": Case(before=(EMPTY_PROJECT, lock), timed=(lock,)),
            "cold apply": Case(before=(EMPTY_PROJECT, EMPTY_CACHE), timed=(create, sync)),
            "warm apply": warm,
            "no-op apply": Case(before=(EMPTY_PROJECT, create, sync), timed=(sync,)),
            "rollback": warm,
        },
    )


TOOLS = {"ppm": _ppm(), "uv": _uv(), "pip": _pip()}
ROWS = tuple(TOOLS["ppm"].cases)
# Measured in runs of their own, because looking costs time: the largest sum of memory over the
# processes of the command.
MEMORY_ROWS = ("cold apply",)
REFERENCE = "uv"
