"""The options that choose what an environment is for and how it is made."""

from __future__ import annotations

from typing import Annotated, cast

from ppm.commands.options import option
from ppm.engine.environment.files import LinkMode
from ppm.engine.errors import UsageError
from ppm.engine.manifest.model import Manifest
from ppm.engine.manifest.names import normalise_name
from ppm.engine.manifest.settings import LINK_MODES
from ppm.engine.planning import Selection

NoDevOption = Annotated[bool, option("--no-dev", help="Without dependency groups.")]
OnlyGroupOption = Annotated[
    list[str] | None, option("--only-group", help="This dependency group and nothing else.")
]
ExtraOption = Annotated[list[str] | None, option("--extra", help="With this optional dependency.")]
LinkModeOption = Annotated[
    str, option("--link-mode", help=f"How files come from the store: {', '.join(LINK_MODES)}")
]


def selection_of(
    *, no_dev: bool, only_group: list[str] | None, extra: list[str] | None
) -> Selection:
    """The selection that the options make."""
    return Selection(
        dev=not no_dev,
        only_groups=tuple(map(normalise_name, only_group or ())),
        extras=tuple(map(normalise_name, extra or ())),
    )


def link_mode_of(option: str, manifest: Manifest) -> LinkMode:
    """The link mode of the command line, else of the settings, else ``auto``.

    Raises:
        UsageError: There is no such mode.
    """
    chosen = option or manifest.settings.link_mode or "auto"
    if chosen not in LINK_MODES:
        raise UsageError(f"--link-mode: {chosen!r} is not one of {', '.join(LINK_MODES)}")
    return cast("LinkMode", chosen)
