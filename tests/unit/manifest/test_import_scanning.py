from __future__ import annotations

from pathlib import Path

import pytest
from packaging.utils import canonicalize_name

from ppm.engine.errors import RequirementError
from ppm.engine.manifest.import_names import DISTRIBUTIONS
from ppm.engine.manifest.imports import distribution_of, scan_imports

SOURCE = """
from __future__ import annotations
import os, sys, json as j, urllib2
import cv2
import sklearn.linear_model as lm, numpy
from yaml import safe_load
from PIL.Image import *
from . import sibling
from .near import x
from helpers import y
import pkg.inner
import data_only
if TYPE_CHECKING:
    import mypy_boto3
else:
    import boto3
import typing
if typing.TYPE_CHECKING:
    import pandas_stubs
if not typing.TYPE_CHECKING:
    import at_run_time
else:
    import never_there
try:
    import ujson
except ImportError:
    import simplejson
def inner():
    async def deeper():
        match 1:
            case 1:
                with open("x"):
                    from bs4 import BeautifulSoup
class C:
    import dateutil.parser
"""


def distributions(source: str, folder: Path) -> list[str]:
    return [one.distribution for one in scan_imports(source.encode(), folder / "script.py")]


def test_imports_from_outside_become_distributions(tmp_path: Path) -> None:
    (tmp_path / "helpers.py").touch()
    (tmp_path / "pkg").mkdir()
    (tmp_path / "pkg" / "inner.py").touch()
    (tmp_path / "data_only").mkdir()
    assert distributions(SOURCE, tmp_path) == [
        "opencv-python",
        "scikit-learn",
        "numpy",
        "PyYAML",
        "pillow",
        "data-only",
        "boto3",
        "at-run-time",
        "ujson",
        "simplejson",
        "beautifulsoup4",
        "python-dateutil",
    ]


@pytest.mark.parametrize(
    ("module", "distribution", "known"),
    [
        ("google.protobuf.message", "protobuf", True),
        ("google.cloud.storage.blob", "google-cloud-storage", True),
        ("google.cloud.tasks_v2", "google-cloud-tasks-v2", False),
        ("google.something", "", False),
        ("google", "", False),
        ("azure.mgmt.compute", "azure-mgmt-compute", False),
        ("azure.storage.blob", "azure-storage-blob", True),
        ("ruamel.yaml", "ruamel.yaml", True),
        ("zope.interface.verify", "zope-interface", False),
        ("Crypto.Cipher", "pycryptodome", True),
        ("OpenSSL", "pyOpenSSL", True),
        ("attr", "attrs", True),
        ("dotenv", "python-dotenv", True),
        ("jwt", "PyJWT", True),
        ("serial.tools", "pyserial", True),
        ("usb.core", "pyusb", True),
        ("git", "GitPython", True),
        ("skimage", "scikit-image", True),
        ("MySQLdb", "mysqlclient", True),
        ("psycopg2.extras", "psycopg2-binary", True),
        ("some_thing.inner", "some-thing", False),
    ],
)
def test_the_longest_known_prefix_decides(module: str, distribution: str, known: bool) -> None:
    found = distribution_of(module)
    assert (found.distribution, found.known) == (distribution, known)


def test_the_table_holds_only_names_that_need_it() -> None:
    assert len(DISTRIBUTIONS) > 150
    for module, distribution in DISTRIBUTIONS.items():
        assert canonicalize_name(distribution, validate=True)
        if "." not in module:
            assert canonicalize_name(module) != canonicalize_name(distribution)


def test_from_a_namespace_each_name_is_a_module_of_its_own(tmp_path: Path) -> None:
    source = "from google.cloud import storage, bigquery\nfrom google import protobuf\n"
    assert distributions(source, tmp_path) == [
        "google-cloud-storage",
        "google-cloud-bigquery",
        "protobuf",
    ]


def test_deep_nesting_and_odd_escapes_are_no_obstacle(tmp_path: Path) -> None:
    deep = "if a:\n    pass\n" + "elif b:\n    pass\n" * 400 + "else:\n    import cv2\n"
    long = "x = " + " + ".join(["1"] * 900) + "\n"
    assert distributions(deep + long + 'y = "\\d"\n', tmp_path) == ["opencv-python"]


def test_a_coding_comment_counts(tmp_path: Path) -> None:
    source = "# coding: latin-1\nname = 'é'\nimport yaml\n".encode("latin-1")
    (found,) = scan_imports(source, tmp_path / "s.py")
    assert (found.module, found.distribution) == ("yaml", "PyYAML")


@pytest.mark.parametrize("source", [b"print 'python 2'\n", b"a = '\x00'\n", b"# coding: klingon\n"])
def test_what_is_not_python_is_refused(source: bytes, tmp_path: Path) -> None:
    with pytest.raises(RequirementError, match=r"s\.py cannot be read as Python") as caught:
        scan_imports(source, tmp_path / "s.py")
    assert caught.value.code == "INVALID_SCRIPT"
