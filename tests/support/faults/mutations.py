"""The program with one of its safeguards taken out, to see the harness notice.

Each mutation replaces one place of the source, in a copy; a sync, a lock or a check is left out, a
rename or link becomes what people write without one: a copy in place.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import msgspec

import ppm.engine

ROOMS = ("commands", "engine", "events", "projections")


class Mutation(msgspec.Struct, frozen=True):
    """What is taken out of which file, and the experiments that have to notice.

    ``tried`` has verbs with ``kill``, ``power`` or ``neighbour`` before, ``writers``, ``together``.
    ``redundant`` says why nothing can notice it, ``""`` where something has to.
    """

    name: str
    file: str
    old: str
    new: str
    tried: tuple[str, ...]
    redundant: str = ""


def _power(*verbs: str) -> tuple[str, ...]:
    return tuple(f"power {verb}" for verb in verbs)


def _kill(*verbs: str) -> tuple[str, ...]:
    return tuple(f"kill {verb}" for verb in verbs)


_COPIED = "import shutil; shutil.copytree({0}, {1}, symlinks=True); shutil.rmtree({0})"
_BLOBS, _WHEELS = "engine/store/blobs.py", "engine/store/wheels.py"
_FILES, _BUILD = "engine/files.py", "engine/environment/build.py"
_LEDGER, _SWITCH = "engine/ledger/file.py", "engine/environment/switch.py"
_MACHINE = "engine/environment/machine.py"

MUTATIONS = (
    Mutation(
        "ledger: fdatasync of an append",
        "engine/ledger/writer.py",
        "        if sync:\n            self._sync()\n",
        "",
        _power("snapshot", "add"),
    ),
    Mutation(
        "ledger: sync of its folder when it is made",
        _LEDGER,
        "                if created:\n                    sync_directory(self._path.parent)\n",
        "",
        _power("init"),
    ),
    Mutation(
        "ledger: write.lock",
        _LEDGER,
        "with exclusive(self._lock_path, timeout_s=self._lock_timeout_s):",
        "with contextmanager(lambda: (yield))():",
        ("writers",),
    ),
    Mutation(
        "ledger repair: sync after the cut",
        "engine/ledger/repair.py",
        "        os.fsync(file.fileno())\n",
        "",
        _power("repair"),
        redundant="redundant: the sync of the event that tells of the repair covers the cut",
    ),
    Mutation(
        "command: operation.lock",
        "engine/transaction.py",
        "with exclusive(paths.operation_lock, timeout_s=_OPERATION_TIMEOUT_S, on_wait=on_wait):",
        "with ExitStack():",
        ("together",),
    ),
    Mutation(
        "locks: flock of a lock file",
        "engine/locks.py",
        "def _try_lock(descriptor: int, *, shared: bool = False) -> bool:\n",
        "def _try_lock(descriptor: int, *, shared: bool = False) -> bool:\n    return True\n",
        ("writers", "together"),
    ),
    Mutation(
        "locks: flock of a folder in the making",
        "engine/locks.py",
        "fcntl.flock(descriptor, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)",
        "pass",
        ("neighbour apply",),
    ),
    Mutation(
        "blobs: flock of a file that arrives without a key",
        _BLOBS,
        "        fcntl.flock(descriptor, fcntl.LOCK_EX)\n",
        "        pass\n",
        ("neighbour add",),
    ),
    Mutation(
        "blobs: flock of a file that arrives under its key",
        _BLOBS,
        "            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)\n        except",
        "            pass\n        except",
        ("neighbour apply",),
    ),
    Mutation(
        "files: sync of a folder",
        _FILES,
        "        os.fsync(descriptor)\n",
        "        pass\n",
        _power("init", "apply", "snapshot"),
    ),
    Mutation(
        "files: sync of the bytes before the rename",
        _FILES,
        "                    os.fsync(file.fileno())\n",
        "                    pass\n",
        _power("add", "init"),
    ),
    Mutation(
        "files: rename over the old file",
        _FILES,
        "            temporary.replace(path)\n",
        "            path.write_bytes(data)\n            temporary.unlink()\n",
        _kill("add"),
    ),
    Mutation(
        "files: sync of the folder after the rename",
        _FILES,
        "        if durable:\n            sync_directory(path.parent)\n",
        "",
        _power("add"),
    ),
    Mutation(
        "files: syncfs",
        _FILES,
        "libc.syncfs(descriptor) != 0",
        "libc.syncfs is None",
        _power("apply"),
    ),
    Mutation(
        "blobs: link to the final name",
        _BLOBS,
        "                os.link(self._path, final)\n",
        "                final.write_bytes(self._path.read_bytes())\n",
        _kill("add", "apply"),
    ),
    Mutation(
        "blobs: syncfs before they are cited",
        _BLOBS,
        "            sync_filesystem(self._blobs)\n",
        "",
        _power("apply", "add"),
    ),
    Mutation(
        "wheels: rename of the unpacked folder",
        _WHEELS,
        "            staging.rename(final)\n",
        f"            {_COPIED.format('staging', 'final')}\n",
        _kill("apply"),
    ),
    Mutation(
        "wheels: syncfs before the mark says so",
        _WHEELS,
        "            sync_filesystem(self._wheels)\n",
        "",
        _power("apply"),
    ),
    Mutation(
        "wheels: the mark until then",
        _WHEELS,
        "            if not _is_of_this_boot(folder):\n",
        "            if False:\n",
        _power("apply"),
    ),
    Mutation(
        "generation: syncfs before the rename",
        _BUILD,
        "            sync_filesystem(temporary)\n",
        "",
        _power("apply"),
    ),
    Mutation(
        "generation: rename to its name",
        _BUILD,
        "        temporary.rename(final)\n",
        f"        {_COPIED.format('temporary', 'final')}\n",
        _kill("apply"),
    ),
    Mutation(
        "generation: sync of the folder after the rename",
        _BUILD,
        "    sync_directory(final.parent)\n",
        "",
        _power("apply"),
    ),
    Mutation(
        "switch: rename over .venv",
        _SWITCH,
        "            link.replace(venv)\n",
        "            venv.unlink(missing_ok=True); link.rename(venv)\n",
        _kill("ensure"),
    ),
    Mutation(
        "switch: sync of the project's folder",
        _SWITCH,
        "        moved_to = _point(paths, generation, now)\n        sync_directory(project)\n",
        "        moved_to = _point(paths, generation, now)\n",
        _power("ensure"),
    ),
    Mutation(
        "withdrawal of .venv: sync of the project's folder",
        _SWITCH,
        "        paths.environment.unlink()\n        sync_directory(project)\n",
        "        paths.environment.unlink()\n",
        _power("rollback to nothing"),
    ),
    Mutation(
        "machine identity: sync of the bytes",
        _MACHINE,
        "            os.fsync(file.fileno())\n",
        "",
        _power("first ensure"),
    ),
    Mutation(
        "machine identity: sync of the folder",
        _MACHINE,
        "        sync_directory(path.parent)\n",
        "",
        _power("first ensure"),
        redundant="redundant: the syncfs of the store comes before all but the intent",
    ),
    Mutation(
        "machine identity: link to its name",
        _MACHINE,
        "            path.hardlink_to(temporary)\n",
        "            path.write_bytes(temporary.read_bytes())\n",
        _kill("first ensure"),
    ),
)


class MissingPlaceError(Exception):
    """The source has changed: the mutation names a place that is not there once."""


def mutated(mutation: Mutation, folder: Path) -> Path:
    """A copy of the program with the mutation in it; gives what has to come first on the path."""
    root = Path(str(ppm.engine.__file__)).parents[1]
    for room in ROOMS:
        source = Path(str(ppm.engine.__file__)).parent if room == "engine" else root / room
        shutil.copytree(source, folder / "ppm" / room, ignore=shutil.ignore_patterns("__pycache__"))
    path = folder / "ppm" / mutation.file
    text = path.read_text()
    if text.count(mutation.old) != 1:
        raise MissingPlaceError(f"{mutation.file}: {mutation.old.strip()!r}")
    path.write_text(text.replace(mutation.old, mutation.new))
    return folder
