"""The facts of a long history, and their lines, written without PPM's help by docs/ledger.md.

A project of forty packages, month after month: a requirement is added or eight packages become
newer, are locked, fetched and installed; then come a lock and an apply that change nothing, and
some questions.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from itertools import count, islice
from typing import TypeAlias

Fact: TypeAlias = tuple[str, dict[str, object]]
"""The type word and the data of an event."""
Run: TypeAlias = list[Fact]

_PACKAGES = 40
_CHANGED = 8
_TARGET = "linux-x86_64-py3.11"
_INDEX = "https://index.example/simple/"


def runs(machine: str = "machine-1") -> Iterator[Run]:
    """Commands without end; the first one begins the project."""
    yield [
        (
            "project.initialized/1",
            {"ledger": "ledger-1", "name": "bench", "manifest": "pypm.toml"},
        ),
        _started("init"),
        ("manifest.written/1", {"path": "pypm.toml", "sha256": _digest("manifest", 0)}),
        _completed(),
    ]
    for number in count():
        yield [_started("add"), *_wished(number), *_changed(number, machine), _completed()]
        yield [_started("lock"), _completed()]
        yield [_started("apply"), _completed()]
        for verb in ("plan", "tree", "provenance"):
            yield [("query.answered/1", {"verb": verb, "argv": [], "code": "", "duration_us": 999})]


def numbered(number: int) -> list[tuple[int, Fact]]:
    """The first ``number`` facts, each with the number of its run."""
    return list(islice(_numbered(), number))


def lines(number: int) -> Iterator[bytes]:
    """The ledger of the first ``number`` facts, line by line."""
    return chained(islice(_numbered(), number))


def _numbered() -> Iterator[tuple[int, Fact]]:
    return ((run, fact) for run, some in enumerate(runs()) for fact in some)


def chained(events: Iterator[tuple[int, Fact]], *, after: Sequence[bytes] = ()) -> Iterator[bytes]:
    """The lines with these events, each with the number of its run, after ``after``."""
    previous = hashlib.sha256(after[-1][:-1]).hexdigest() if after else "0" * 64
    for seq, (run, (word, data)) in enumerate(events, len(after) + 1):
        line = json.dumps(
            {
                "seq": seq,
                "id": f"01a201fa-bfa0-7000-8000-{seq:012}",
                "time": _time(run),
                "type": word,
                "run": f"01a201fa-bfa0-7000-9000-{run:012}",
                "actor": "user@host",
                "prev": previous,
                "data": data,
            },
            separators=(",", ":"),
        ).encode()
        previous = hashlib.sha256(line).hexdigest()
        yield line + b"\n"


def _time(run: int) -> str:
    hour, minute = divmod(run, 60)
    day, hour = divmod(hour, 24)
    year, day = divmod(day, 28 * 12)
    month, day = divmod(day, 28)
    return f"{2001 + year}-{month + 1:02}-{day + 1:02}T{hour:02}:{minute:02}:00.000000Z"


def _digest(word: str, number: int) -> str:
    return hashlib.sha256(f"{word} {number}".encode()).hexdigest()


def _started(verb: str) -> Fact:
    data: dict[str, object] = {
        "verb": verb,
        "argv": [],
        "note": "",
        "ppm": "0.1.0",
        "python": "3.11.7",
    }
    return "command.started/1", data


def _completed() -> Fact:
    return "command.completed/1", {"duration_us": 1234}


def _wished(number: int) -> Iterator[Fact]:
    if number < _PACKAGES:
        name = f"package-{number}"
        yield "requirement.added/1", {"group": "", "name": name, "requirement": name}
        yield "manifest.written/1", {"path": "pypm.toml", "sha256": _digest("manifest", number)}


def _changed(number: int, machine: str) -> Iterator[Fact]:
    """Eight packages become newer, from the lock to the environment."""
    parts = [(number * _CHANGED + part) % _PACKAGES for part in range(_CHANGED)]
    yield "candidate.rejected/1", _rejected(parts[0], number)
    for part in parts:
        yield "package.locked/1", _locked(part, number)
    yield "resolution.completed/1", _resolved(number)
    yield "snapshot.taken/1", _snapshot(number, machine)
    yield "environment.planned/1", _planned(number, machine)
    for part in parts:
        yield "artifact.fetched/1", _fetched(part, number)
    for part in parts:
        yield "package.installed/1", _installed(part, number, machine)
    yield "generation.built/1", _built(number, machine)
    yield "environment.switched/1", _switched(number, machine)


def _version(number: int) -> str:
    return f"1.{number}" if number >= 0 else ""


def _previous(number: int) -> str:
    """The version that a package had before; each has its turn every fifth time."""
    return _version(number - _PACKAGES // _CHANGED)


def _generation(number: int) -> str:
    return _digest("generation", number) if number >= 0 else ""


def _file(part: int, number: int) -> tuple[str, str, str]:
    name, digest = f"package_{part}-1.{number}-py3-none-any.whl", _digest(f"package-{part}", number)
    return name, f"https://files.example/{digest[:2]}/{digest[2:4]}/{digest[4:]}/{name}", digest


def _rejected(part: int, number: int) -> dict[str, object]:
    return {
        "name": f"package-{part}",
        "version": _version(number + 1),
        "reason": "requires Python >=3.12, the target has 3.11",
    }


def _locked(part: int, number: int) -> dict[str, object]:
    filename, url, digest = _file(part, number)
    return {
        "target": _TARGET,
        "name": f"package-{part}",
        "version": _version(number),
        "previous": _previous(number),
        "index": _INDEX,
        "extras": [],
        "groups": [""],
        "requires_python": ">=3.9",
        "dependencies": [f"package-{(part + 1) % _PACKAGES}>=1.0", "package-0"],
        "files": [
            {
                "filename": filename,
                "url": url,
                "sha256": digest,
                "size": 123456,
                "kind": "wheel",
            }
        ],
        "source": "",
    }


def _resolved(number: int) -> dict[str, object]:
    return {
        "targets": [_TARGET],
        "requirements": _digest("requirements", number),
        "pylock": _digest("pylock", number),
        "packages": _PACKAGES,
        "rounds": 41,
        "metadata": _CHANGED,
    }


def _snapshot(number: int, machine: str) -> dict[str, object]:
    return {
        "name": f"auto-{number}",
        "automatic": True,
        "machine": machine,
        "generation": _generation(number - 1),
        "lock": _digest("lock", number),
        "packages": _PACKAGES,
    }


def _planned(number: int, machine: str) -> dict[str, object]:
    return {
        "machine": machine,
        "plan": _digest("plan", number),
        "parent": _generation(number - 1),
        "fetch": _CHANGED,
        "fetch_size": 987654,
    }


def _fetched(part: int, number: int) -> dict[str, object]:
    filename, url, digest = _file(part, number)
    return {
        "name": f"package-{part}",
        "version": _version(number),
        "filename": filename,
        "sha256": digest,
        "size": 123456,
        "source": url,
        "device": "cpu:hashlib",
    }


def _installed(part: int, number: int, machine: str) -> dict[str, object]:
    return {
        "machine": machine,
        "generation": _generation(number),
        "name": f"package-{part}",
        "version": _version(number),
        "previous": _previous(number),
        "sha256": _digest(f"package-{part}", number),
        "requested": True,
    }


def _built(number: int, machine: str) -> dict[str, object]:
    return {
        "machine": machine,
        "generation": _generation(number),
        "root": _digest("root", number),
        "lock": _digest("lock", number),
        "interpreter": "/usr/bin/python3.11",
        "python": "3.11.7",
        "link_mode": "hardlink",
        "packages": _PACKAGES,
        "files": 4321,
    }


def _switched(number: int, machine: str) -> dict[str, object]:
    return {
        "machine": machine,
        "generation": _generation(number),
        "previous": _generation(number - 1),
        "parent": _generation(number - 1),
        "reason": "apply",
    }
