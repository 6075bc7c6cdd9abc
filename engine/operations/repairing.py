"""Repairing: damaged store entries made again, the damaged generation built anew beside itself.

Nothing is mended in place. A damaged entry leaves the store in one rename and comes back from its
blob or from the index; the generation is built under a temporary name and trades places with the
damaged one. A kill leaves the damaged environment or the whole one, and repairing again goes on.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from ppm.engine.environment.build import build
from ppm.engine.environment.bytecode import compile_all
from ppm.engine.environment.staging import remove_stale
from ppm.engine.errors import EnvironmentFailure
from ppm.engine.hashing.cpu import CpuHasher
from ppm.engine.hashing.files import FileReader
from ppm.engine.operations.acquire import acquire, refetch
from ppm.engine.operations.apply import Applied, Wish, apply, materials_of
from ppm.engine.operations.expecting import Expectation
from ppm.engine.operations.verifying import (
    TOLD,
    EnvironmentAudit,
    store_differences,
    verify_environment,
    verify_store,
)
from ppm.engine.planning import chosen_file
from ppm.engine.runtime import Runtime
from ppm.engine.store.audit import StoreAudit
from ppm.engine.transaction import Transaction
from ppm.events.upkeep import Difference, GenerationRepaired, RepairPlanned
from ppm.projections.project import fold


class Repaired(msgspec.Struct, frozen=True, kw_only=True):
    """What was wrong, and is not any more.

    ``generation`` was built anew, ``""`` if none had to be. ``wheels`` and ``blobs`` are the
    digests of store entries that were made again.
    """

    generation: str
    wheels: tuple[str, ...]
    blobs: tuple[str, ...]
    differences: tuple[Difference, ...]

    @property
    def foreign(self) -> tuple[str, ...]:
        """Files that belonged to no package and were not carried over."""
        return tuple(
            one.path for one in self.differences if one.problem == "extra" and not one.package
        )


def repair(
    run: Transaction, runtime: Runtime, wish: Wish, *, compile_bytecode: bool = False
) -> tuple[Applied, Repaired]:
    """Apply ``wish``, and have every byte of the environment and of its store entries right.

    Raises:
        EnvironmentFailure: ``code="REPAIR_DIFFERS"``: what the wheels give today has not the
            recorded root.
        ArtifactError, IndexFailure, BuildError, StorageError: as an apply.
    """
    reader = FileReader(CpuHasher())
    # From the first event: a projection on the disk may have been changed with the files.
    project = fold(run.ledger.read())
    found = verify_environment(run.paths, project, runtime, reader)
    store = verify_store(project, runtime, reader, whole=False)
    damage = (*found.differences, *store_differences(store))
    if damage:
        run.record([_intent(runtime.machine, found, store, damage)])
        _mend_store(run, runtime, store)
    applied = apply(run, runtime, wish, compile_bytecode=compile_bytecode)
    rebuilt = _mend_generation(run, runtime, wish, compile_bytecode=compile_bytecode)
    return applied, Repaired(
        generation=rebuilt,
        wheels=store.damaged("wheel"),
        blobs=store.damaged("blob"),
        differences=damage,
    )


def _intent(
    machine: str, found: EnvironmentAudit, store: StoreAudit, damage: Sequence[Difference]
) -> RepairPlanned:
    return RepairPlanned(
        machine=machine,
        generation=found.generation if found.differences else "",
        wheels=store.damaged("wheel"),
        blobs=store.damaged("blob"),
        differing=len(damage),
        differences=tuple(damage[:TOLD]),
    )


def _mend_store(run: Transaction, runtime: Runtime, store: StoreAudit) -> None:
    """Take damaged entries out, and fetch damaged files of this machine's lock again.

    A wheel comes back when the environment is built, from its blob. What was locked for other
    machines is fetched when it is wanted.
    """
    wheels, blobs = store.damaged("wheel"), store.damaged("blob")
    if not wheels and not blobs:
        return
    unpacked, files = runtime.wheels, runtime.blobs
    # Alone: nobody shall be linking from an entry while it goes.
    with runtime.store_alone():
        for sha256 in wheels:
            unpacked.remove(sha256)
        for sha256 in blobs:
            files.remove(sha256)
    locked = run.project.lock.targets.get(runtime.interpreter.target.name, {})
    gone = [one for one in locked.values() if chosen_file(one).sha256 in blobs]
    if gone:
        refetch(run.record, runtime, gone)


def _mend_generation(
    run: Transaction, runtime: Runtime, wish: Wish, *, compile_bytecode: bool
) -> str:
    """Build the active generation anew if it is not whole; its name then, else ``""``."""
    # What an earlier repair took out stands here still if it was cut short then.
    remove_stale(run.paths.root)
    project = fold(run.ledger.read())
    damaged = verify_environment(run.paths, project, runtime, FileReader(CpuHasher()))
    if not damaged.differences:
        return ""
    trees = acquire(run.record, runtime, list(wish.packages.values()))
    environment = project.state.environments[runtime.machine]
    recorded = environment.generations[environment.active]
    if Expectation(run.paths.root, runtime, environment, recorded).entries() is None:
        raise EnvironmentFailure(
            f"what the wheels give today is not generation {environment.active} as recorded",
            code="REPAIR_DIFFERS",
            hint="remove .venv and run `ppm apply`",
        )
    built = build(
        run.paths.root,
        runtime.interpreter,
        materials_of(runtime, wish, trees),
        link_mode=wish.link_mode,
        anew=True,
    ).generation
    if compile_bytecode:
        compile_all(run.paths.environments / built.name, runtime.interpreter)
    run.record(
        [
            GenerationRepaired(
                machine=runtime.machine,
                generation=built.name,
                root=built.root,
                files=built.files,
            )
        ]
    )
    return built.name
