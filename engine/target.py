"""What a lock or an environment is for: a Python on a platform."""

from __future__ import annotations

import msgspec

_PYTHONS = ("py3.", "pp3.", "pyodide_", "pyemscripten_")
"""What the word for the Python begins with, behind which a backend may follow."""


class Target(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A Python version on a platform.

    ``name`` is such as ``linux-x86_64-py3.11``. ``markers`` is the PEP 508 environment (without
    ``extra``). ``tags`` are wheel tags, most preferred first, each ``interpreter-abi-platform``.
    ``backend`` is the GPU backend whose index it uses (``cu121``), which then ends its name.
    """

    name: str
    python_full_version: str
    markers: dict[str, str]
    tags: tuple[str, ...]
    backend: str = ""

    @property
    def plain_name(self) -> str:
        """The name without its GPU backend."""
        return self.name.removesuffix(f"-{self.backend}") if self.backend else self.name

    def on(self, backend: str) -> Target:
        """The same target with another GPU backend, or with none."""
        if backend == self.backend:
            return self
        name = f"{self.plain_name}-{backend}" if backend else self.plain_name
        return msgspec.structs.replace(self, name=name, backend=backend)

    @property
    def builds(self) -> bool:
        """Whether source distributions can be built where it runs: WebAssembly has no processes."""
        return self.markers["sys_platform"] != "emscripten"


def split_backend(name: str) -> tuple[str, str]:
    """A target's name without its GPU backend, and that, ``""`` for none."""
    words = name.split("-")
    for place, word in enumerate(words, start=1):
        if word.startswith(_PYTHONS):
            return "-".join(words[:place]), "-".join(words[place:])
    return name, ""
