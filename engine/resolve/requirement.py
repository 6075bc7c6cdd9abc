"""PEP 508 texts, parsed once each, and the needs they stand for.

Metadata repeats the same texts thousands of times, most of them for extras nobody asked for. The
marker is therefore split off first and the rest only parsed where it applies. The full PEP 508
parser is imported for the rare text that a plain pattern does not match.
"""

from __future__ import annotations

import re
from functools import lru_cache

import msgspec
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

from ppm.engine.errors import RequirementError
from ppm.engine.redact import public_text, redact_text

_NAME = r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?"
_PLAIN = rf"\s*({_NAME})\s*(?:\[\s*({_NAME}(?:\s*,\s*{_NAME})*)\s*\])?\s*([<>=!~][^()@;\[\]]*)?"
_CACHE = 1 << 16

parse_version = lru_cache(_CACHE)(Version)
specifier_set = lru_cache(_CACHE)(SpecifierSet)
normalize_name = lru_cache(_CACHE)(canonicalize_name)


class Parsed(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A requirement without its marker; names and extras normalised, extras sorted.

    ``specifier`` is as written, without white space. ``url`` is ``""`` except for ``name @ url``.
    """

    name: str
    extras: tuple[str, ...]
    specifier: str
    url: str

    @property
    def text(self) -> str:
        """PEP 508 text; the URL of a direct reference loses its credentials."""
        extras = f"[{','.join(self.extras)}]" if self.extras else ""
        if self.url:
            return f"{self.name}{extras} @ {public_text(self.url)}"
        return f"{self.name}{extras}{self.specifier}"


@lru_cache(_CACHE)
def split_marker(text: str) -> tuple[str, str]:
    """The requirement and its marker, either of which may be empty or wrong.

    Raises:
        ValueError: A direct reference that does not parse.
    """
    head, _, marker = text.partition(";")
    if "@" not in head:
        return head.strip(), marker.strip()
    from packaging.requirements import Requirement

    requirement = Requirement(text)
    marker = str(requirement.marker or "")
    requirement.marker = None
    return str(requirement), marker


@lru_cache(_CACHE)
def parse_requirement(text: str) -> Parsed:
    """A requirement text without marker.

    Raises:
        ValueError: The text is not PEP 508.
    """
    match = re.fullmatch(_PLAIN, text)
    if match is None:
        from packaging.requirements import Requirement

        requirement = Requirement(text)
        name, extras = requirement.name, requirement.extras
        for part in (name, *extras):
            if not re.fullmatch(_NAME, part):  # packaging lets "a_" through
                raise ValueError(f"{part!r} is not a name")
        specifier, url = str(requirement.specifier), requirement.url or ""
    else:
        name, specifier, url = match[1], match[3] or "", ""
        extras = {extra.strip() for extra in match[2].split(",")} if match[2] else set()
    specifier_set(specifier)
    return Parsed(
        name=normalize_name(name),
        extras=tuple(sorted(normalize_name(extra) for extra in extras)),
        specifier="".join(specifier.split()).strip(","),
        url=url,
    )


def parse_asked(text: str, *, origin: str) -> tuple[Parsed, str]:
    """A requirement that the user wrote, and its marker. ``origin`` says where it stands.

    Raises:
        RequirementError: It does not parse.
    """
    try:
        head, marker = split_marker(text)
        parsed = parse_requirement(head)
    except ValueError as error:
        reason = str(error).splitlines()[0]
        raise RequirementError(
            f"{origin}: {redact_text(text)!r}: {reason}",
            hint="correct it where it is written; a requirement looks like 'name>=1.2,<2'",
        ) from error
    return parsed, marker


def source_of(parsed: Parsed) -> str:
    """The direct reference of a requirement in its one spelling, ``""`` if it has none.

    Raises:
        RequirementError: It is of a kind that PPM does not install from, or unsafe.
    """
    if not parsed.url:
        return ""
    from ppm.engine.direct.reference import parse_reference  # Few projects have any.

    return parse_reference(parsed.url).source


class Need:
    """One demand on one identifier (a project, or one extra of it), equal only to itself.

    ``exact`` is the one version it accepts, if there is such. A need with ``refusal`` accepts
    nothing: it says why the candidate that has it is unusable. A free need accepts every version.
    """

    __slots__ = (
        "_known",
        "bounded",
        "exact",
        "extra",
        "identifier",
        "is_free",
        "name",
        "pinned",
        "prerelease",
        "refusal",
        "specifier",
        "text",
    )

    def __init__(self, name: str, extra: str, specifier: str, text: str, refusal: str = "") -> None:
        self.name = name
        self.extra = extra
        self.identifier = identify(name, extra)
        self.specifier = specifier_set(specifier)
        self.text = text
        self.refusal = refusal
        self.exact = ""
        self.pinned = any(_is_pin(item.operator, item.version) for item in self.specifier)
        self.bounded = any(_is_bound(item.operator, item.version) for item in self.specifier)
        self.prerelease = self.specifier.prereleases is True
        self.is_free = not self.specifier and not refusal
        self._known: dict[str, bool] = {}

    def __repr__(self) -> str:
        return f"<Need {self.text}>"

    def accepts(self, version: str) -> bool:
        """Whether a version (normalised text) is within the need, pre-release or not."""
        if self.exact:
            return version == self.exact
        known = self._known.get(version)
        if known is None:
            known = self.is_free or (
                not self.refusal
                and self.specifier.contains(parse_version(version), prereleases=True)
            )
            self._known[version] = known
        return known


@lru_cache(_CACHE)
def needs_of(parsed: Parsed) -> tuple[Need, ...]:
    """The need on the project itself, then one on each extra; all carry the specifier."""
    return tuple(
        Need(parsed.name, extra, parsed.specifier, parsed.text) for extra in ("", *parsed.extras)
    )


@lru_cache(_CACHE)
def exact_need(name: str, version: str) -> Need:
    """The need of ``name[extra]`` on ``name`` in the very same version."""
    need = Need(name, "", f"==={version}", f"{name}=={version}")
    need.exact = version
    need.prerelease = parse_version(version).is_prerelease
    return need


def refusal_need(name: str, reason: str) -> Need:
    """The need by which a candidate of ``name`` says that it cannot be used."""
    return Need(name, "", "", name, refusal=reason)


def identify(name: str, extra: str) -> str:
    """How the resolver calls a project or one extra of it."""
    return f"{name}[{extra}]" if extra else name


def _is_pin(operator: str, version: str) -> bool:
    return operator == "===" or (operator == "==" and not version.endswith(".*"))


def _is_bound(operator: str, version: str) -> bool:
    return operator in ("<", "<=", "~=") or (operator == "==" and version.endswith(".*"))
