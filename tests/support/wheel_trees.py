"""Wheels unpacked in a store, as environments are built from them."""

from __future__ import annotations

import hashlib
from pathlib import Path

import msgspec
from packaging.utils import parse_wheel_filename

from ppm.engine.environment.files import Material, Package
from ppm.engine.store.model import TreeFile
from ppm.engine.store.unpack import unpack_wheel
from ppm.engine.store.wheels import WheelStore


def unpacked(
    store: Path, wheel: Path, *, requested: bool = False, direct_url: bytes = b""
) -> Material:
    """Put ``wheel`` into the store at ``store`` and unpack it there."""
    data = wheel.read_bytes()
    sha256 = hashlib.sha256(data).hexdigest()
    wheels = WheelStore(store)
    with wheels.blobs.incoming() as incoming:
        incoming.write(data)
        incoming.commit(sha256)
    name, version, _, _ = parse_wheel_filename(wheel.name)
    tree = unpack_wheel(wheels, sha256, wheel.name, name, str(version))
    package = Package(
        name=name,
        version=str(version),
        sha256=sha256,
        requested=requested,
        direct_url=direct_url,
    )
    return Material(package=package, tree=tree, directory=wheels.directory(sha256))


def with_file(material: Material, path: str) -> Material:
    """``material`` with a file in its manifest that the store would have refused."""
    extra = TreeFile(path, "0" * 64, 0, executable=False)
    tree = msgspec.structs.replace(material.tree, files=(*material.tree.files, extra))
    return msgspec.structs.replace(material, tree=tree)
