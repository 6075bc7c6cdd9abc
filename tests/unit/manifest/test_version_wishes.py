from __future__ import annotations

import pytest
from packaging.specifiers import SpecifierSet

from ppm.engine.manifest.specifier import is_specifier, specifier_of


@pytest.mark.parametrize(
    ("wish", "specifier"),
    [
        ("^1.2.3", ">=1.2.3,<2.0.0"),
        ("^0.2.3", ">=0.2.3,<0.3.0"),
        ("^0.0.3", ">=0.0.3,<0.0.4"),
        ("^0.0", ">=0.0,<0.1"),
        ("^0", ">=0,<1"),
        ("^1", ">=1,<2"),
        ("^3.10", ">=3.10,<4.0"),
        ("~1", ">=1,<2"),
        ("~1.2", ">=1.2,<1.3"),
        ("~1.2.3", ">=1.2.3,<1.3.0"),
        ("3.12", "==3.12.*"),
        ("2.4.*", "==2.4.*"),
        ("2.4rc1", "==2.4rc1"),
        ("2.4.0+cu121", "==2.4.0+cu121"),
        ("*", ""),
        (">=3.10, <3.13", ">=3.10,<3.13"),
        ("~=3.10.2", "~=3.10.2"),
        ("!= 3.11.0", "!=3.11.0"),
        ("^3.10,!=3.11.*", ">=3.10,<4.0,!=3.11.*"),
    ],
)
def test_a_wish_becomes_a_specifier(wish: str, specifier: str) -> None:
    assert specifier_of(wish) == specifier
    SpecifierSet(specifier)


@pytest.mark.parametrize("wish", ["", "3.10 || 3.11", "three", "^x", "=1.0", ">=1 <2", "^", ">="])
def test_what_is_no_wish_is_refused(wish: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        specifier_of(wish)


def test_the_cheap_check_knows_a_specifier_from_other_text() -> None:
    assert is_specifier(">=3.11,<4")
    assert is_specifier("~=3.11 , != 3.12.*,")
    assert not is_specifier("^3.11")
    assert not is_specifier("3.11")
