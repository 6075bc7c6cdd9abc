"""Byte code ahead of the first import, for those who ask for it."""

from __future__ import annotations

from pathlib import Path

from ppm.engine.environment.interpreter import Interpreter
from ppm.engine.errors import EnvironmentFailure


def compile_all(generation: Path, interpreter: Interpreter) -> None:
    """Compile a generation's site-packages with its own interpreter, in parallel.

    Files that are no valid Python for this version (templates, tests of syntax) are passed over, as
    the import of them would fail. Byte code is not part of a generation's digest.

    Raises:
        EnvironmentFailure: ``code="COMPILE_FAILED"``: the compiler itself did not run.
    """
    import subprocess

    folder = generation / interpreter.site_packages
    command = [interpreter.path, "-I", "-m", "compileall", "-q", "-q", "-j", "0", str(folder)]
    done = subprocess.run(command, capture_output=True, check=False)  # noqa: S603 - our own words
    if done.returncode not in {0, 1}:
        raise EnvironmentFailure(
            f"compileall ended with status {done.returncode}",
            code="COMPILE_FAILED",
            hint=done.stderr.decode("utf-8", "replace")[-500:],
        )
