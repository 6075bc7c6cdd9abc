"""What makes a folder a virtual environment, before any package is in it (PEP 405)."""

from __future__ import annotations

from pathlib import Path

from ppm.engine.environment.activation import activation_scripts
from ppm.engine.environment.files import Writing, writing
from ppm.engine.environment.generation import FORMAT
from ppm.engine.environment.interpreter import Interpreter
from ppm.engine.environment.layout import Layout


def skeleton_files(interpreter: Interpreter, layout: Layout) -> list[Writing]:
    """``pyvenv.cfg`` and the scripts that activate the environment."""
    prompt = Path(layout.venv).parent.name or "ppm"
    activation = activation_scripts(layout.venv, prompt, layout.scripts.rstrip("/"))
    return [
        writing("pyvenv.cfg", _configuration(interpreter)),
        *(writing(layout.scripts + name, data) for name, data in activation.items()),
    ]


def skeleton_links(interpreter: Interpreter, layout: Layout) -> list[tuple[str, str]]:
    """Path and target of the symbolic links: the interpreter under its names, and ``lib64``."""
    major, minor = interpreter.release
    names = ["python3", f"python{major}.{minor}", f"python{interpreter.abi_version}"]
    if interpreter.implementation == "pypy":
        names += ["pypy", f"pypy{major}", f"pypy{major}.{minor}"]
    links = [(f"{layout.scripts}python", interpreter.path)]
    links += [(layout.scripts + name, "python") for name in dict.fromkeys(names)]
    return [*links, ("lib64", "lib")] if layout.lib64 else links


def _configuration(interpreter: Interpreter) -> bytes:
    lines = {
        "home": str(Path(interpreter.path).parent),
        "include-system-site-packages": "false",
        "implementation": interpreter.target.markers["platform_python_implementation"],
        "version": interpreter.version,
        "executable": interpreter.path,
        "ppm": str(FORMAT),
    }
    text = "".join(f"{key} = {value}\n" for key, value in lines.items())
    return text.encode("utf-8", "surrogateescape")
