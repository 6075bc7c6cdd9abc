"""A real package set, fetched once into the clone, so that every run serves the same files."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class PackageSet:
    """What is asked for, and one more package that is in none of its dependencies."""

    requirements: tuple[str, ...]
    another: str


PACKAGE_SETS = {
    "jupyter": PackageSet(requirements=("jupyter",), another="iniconfig"),
    "small": PackageSet(requirements=("rich<14", "httpx"), another="iniconfig"),
}


@dataclass(frozen=True, kw_only=True)
class Mirror:
    """The wheels of a set on disk: ``size`` in bytes, ``date`` of the day they were fetched."""

    folder: Path
    wheels: int
    size: int
    date: str
    locked: str


def mirror(name: str, folder: Path, python: Path) -> Mirror:
    """The wheels of the set ``name`` below ``folder``, downloaded where they are not there yet.

    ``python`` is an interpreter with pip; the wheels fit it. The set's own closure and ``another``
    are resolved apart, so that the one does not change the other.
    """
    package_set = PACKAGE_SETS[name]
    place = folder / f"{name}-{python_tag(python)}"
    listing = place / "mirror.json"
    if not listing.exists():
        shutil.rmtree(place, ignore_errors=True)
        closure = download(package_set.requirements, place / "wheels", python)
        download((package_set.another, "--no-deps"), place / "wheels", python)
        record = {"date": str(dt.datetime.now(dt.UTC).date()), "closure": closure}
        listing.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    record = json.loads(listing.read_text(encoding="utf-8"))
    return Mirror(
        folder=place / "wheels",
        wheels=len(record["closure"]),
        size=sum(item["size"] for item in record["closure"]),
        date=record["date"],
        locked="".join(
            f"{item['name']}=={item['version']} --hash=sha256:{item['sha256']}\n"
            for item in record["closure"]
        ),
    )


def python_tag(python: Path) -> str:
    """``py3.11``."""
    code = "import sys; print('py{}.{}'.format(*sys.version_info))"
    return subprocess.check_output([python, "-c", code], text=True).strip()


def download(arguments: tuple[str, ...], folder: Path, python: Path) -> list[dict[str, str | int]]:
    """Fetch wheels from the configured index; describe each that is now in ``folder``."""
    print(f"Mirroring {' '.join(arguments)} (once) …", flush=True)
    command = [str(python), "-m", "pip", "download", "-qq", "--only-binary", ":all:"]
    subprocess.run([*command, "--dest", str(folder), *arguments], check=True)
    return [describe(path) for path in sorted(folder.glob("*.whl"))]


def describe(wheel: Path) -> dict[str, str | int]:
    """One wheel as the listing has it."""
    name, version = wheel.name.split("-")[:2]
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    return {"name": name, "version": version, "size": wheel.stat().st_size, "sha256": digest}
