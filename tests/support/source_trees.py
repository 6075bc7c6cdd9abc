"""Folders and repositories with a project in them that builds itself, with nothing to install."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

BACKEND = """
import base64, hashlib, zipfile
from pathlib import Path

settings = dict(line.split("=", 1) for line in Path("backend.txt").read_text().splitlines())
stem = "{name}-{version}".format(**settings)

def _pack(directory, files):
    needed = filter(None, settings.get("needs", "").split(";"))
    needs = "".join(f"Requires-Dist: {one}\\n" for one in needed)
    head = "Metadata-Version: 2.1\\nName: {name}\\nVersion: {version}\\n".format(**settings)
    wheel = "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n"
    files = {**files, f"{stem}.dist-info/METADATA": head + needs, f"{stem}.dist-info/WHEEL": wheel}
    rows = []
    for path, text in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=")
        rows.append(f"{path},sha256={digest.decode()},{len(text.encode())}\\n")
    files[f"{stem}.dist-info/RECORD"] = "".join(rows) + f"{stem}.dist-info/RECORD,,\\n"
    name = f"{stem}-py3-none-any.whl"
    with zipfile.ZipFile(Path(directory, name), "w") as archive:
        for path, text in files.items():
            entry = zipfile.ZipInfo(path, (2020, 1, 1, 0, 0, 0))
            entry.create_system, entry.external_attr = 3, 0o100644 << 16
            archive.writestr(entry, text)
    return name

def build_wheel(directory, config_settings=None, metadata_directory=None):
    sources = sorted(Path("src").rglob("*.py"))
    return _pack(directory, {one.relative_to("src").as_posix(): one.read_text() for one in sources})
"""

EDITABLE = """
def build_editable(directory, config_settings=None, metadata_directory=None):
    return _pack(directory, {stem + ".pth": str(Path("src").resolve()) + "\\n"})
"""
"""The hook of PEP 660: a wheel with a ``.pth`` in place of the modules."""

PYPROJECT = """\
[build-system]
requires = []
build-backend = "backend"
backend-path = ["tools"]

[project]
name = "{name}"
version = "{version}"
"""


def source_tree(
    folder: Path, name: str, version: str, *, needs: str = "", editable: bool = True
) -> Path:
    """A folder with the project ``name``: module ``name``, with ``__version__`` and ``WORD``."""
    files = {
        "pyproject.toml": PYPROJECT.format(name=name, version=version),
        "tools/backend.py": BACKEND + (EDITABLE if editable else ""),
        "backend.txt": f"name={name}\nversion={version}\n" + (f"needs={needs}\n" if needs else ""),
        f"src/{name}/__init__.py": f'__version__ = "{version}"\nWORD = "first"\n',
    }
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(content)
    return folder


def say(folder: Path, name: str, word: str) -> None:
    """Change the module's ``WORD``."""
    module = folder / "src" / name / "__init__.py"
    lines = [line for line in module.read_text().splitlines() if not line.startswith("WORD")]
    module.write_text("\n".join([*lines, f'WORD = "{word}"', ""]))


def git(folder: Path, *arguments: str) -> str:
    """Run git there as somebody."""
    person = {
        **{f"GIT_{role}_NAME": "Ivy" for role in ("AUTHOR", "COMMITTER")},
        **{f"GIT_{role}_EMAIL": "ivy@host.example" for role in ("AUTHOR", "COMMITTER")},
    }
    return subprocess.run(
        ["git", "-C", folder, *arguments],
        env={**os.environ, **person, "GIT_CONFIG_GLOBAL": os.devnull},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()


def commit(folder: Path, *tags: str) -> str:
    """Commit everything in a folder, a repository from then on; the commit."""
    if not (folder / ".git").exists():
        git(folder, "init", "--quiet", "--initial-branch=main")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "a change")
    for tag in tags:
        git(folder, "tag", tag)
    return git(folder, "rev-parse", "HEAD")
