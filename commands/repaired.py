"""What `ppm apply --repair` says of the damage it found."""

from __future__ import annotations

import msgspec

from ppm.commands.output import Console
from ppm.commands.words import plural
from ppm.engine.operations.repairing import Repaired
from ppm.engine.plain import clean_line


def tell_repaired(repaired: Repaired, console: Console) -> None:
    """Say what was wrong and what was made again."""
    if not repaired.differences:
        console.say("nothing is damaged")
        return
    for one in repaired.differences:
        whose = f" ({one.package})" if one.package else ""
        console.say(clean_line(f"  {one.problem} {one.path}{whose}"))
    for path in repaired.foreign:
        console.warn(clean_line(f"{path} belongs to no package and was not kept"))
    wheels, blobs = plural(len(repaired.wheels), "wheel"), plural(len(repaired.blobs), "blob")
    console.say(f"store: {wheels} and {blobs} made again")
    if repaired.generation:
        console.say(f"environment {repaired.generation[:12]} built anew")


def repaired_document(repaired: Repaired) -> dict[str, object]:
    """A repair as JSON."""
    return {
        "generation": repaired.generation,
        "wheels": list(repaired.wheels),
        "blobs": list(repaired.blobs),
        "differences": msgspec.to_builtins(repaired.differences),
        "not_kept": list(repaired.foreign),
    }
