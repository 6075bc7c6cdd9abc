"""What a lock or an environment is for: a Python on a platform."""

from __future__ import annotations

import msgspec


class Target(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A Python version on a platform.

    ``name`` is such as ``linux-x86_64-py3.11``. ``markers`` is the PEP 508 environment (without
    ``extra``). ``tags`` are wheel tags, most preferred first, each ``interpreter-abi-platform``.
    """

    name: str
    python_full_version: str
    markers: dict[str, str]
    tags: tuple[str, ...]
