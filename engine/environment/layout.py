"""The folders of an environment.

https://packaging.python.org/en/latest/specifications/binary-distribution-format/ (the ``.data``
directory). Everything is relative to the environment's root, with ``/``.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from ppm.engine.environment.interpreter import Interpreter
from ppm.engine.errors import EnvironmentFailure


class Layout(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Where things go.

    The folders end in ``/``. ``python`` is the absolute path that scripts start with: the
    project's stable ``.venv/bin/python``, not a generation's. ``lib64`` where the environment has
    a link of that name to ``lib``.
    """

    venv: str
    python: str
    site_packages: str
    scripts: str
    headers: str
    lib64: bool

    def folder(self, key: str, distribution: str) -> str | None:
        """The folder of a wheel's ``.data/<key>``; ``None`` for a key that is not known."""
        if key in ("purelib", "platlib"):
            return self.site_packages
        if key == "headers":
            return f"{self.headers}{distribution}/"
        return {"scripts": self.scripts, "data": ""}.get(key)


def layout_for(interpreter: Interpreter, venv: Path) -> Layout:
    """The layout of an environment for ``interpreter`` that is reached as ``venv``.

    Raises:
        EnvironmentFailure: ``code="PATH_ENCODING"``: the path is no text, so no script can name it.
    """
    try:
        str(venv).encode()
    except UnicodeEncodeError as error:
        raise EnvironmentFailure(
            f"the project's path {str(venv)!r} is not valid UTF-8",
            code="PATH_ENCODING",
            hint="rename the folder",
        ) from error
    linux = interpreter.target.markers["sys_platform"] == "linux"
    return Layout(
        venv=str(venv),
        python=f"{venv}/{interpreter.scripts}/python",
        site_packages=f"{interpreter.site_packages}/",
        scripts=f"{interpreter.scripts}/",
        headers=f"include/site/python{interpreter.abi_version}/",
        lib64=linux and not interpreter.is_32bit,
    )
