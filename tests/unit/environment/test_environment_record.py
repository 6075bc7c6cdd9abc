from __future__ import annotations

import base64
import csv
import hashlib
import io

from hypothesis import given
from hypothesis import strategies as st

from ppm.engine.environment.record import RecordedFile, encoded_digests, record

PATHS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1)


@given(st.dictionaries(PATHS, st.binary(max_size=40)))
def test_csv_reads_back_what_was_recorded(contents: dict[str, bytes]) -> None:
    contents.pop("own", None)
    files = [
        RecordedFile(path, hashlib.sha256(data).hexdigest(), len(data))
        for path, data in contents.items()
    ]
    text = record(files, "own").decode()
    rows = list(csv.reader(io.StringIO(text, newline="")))
    assert rows == sorted(
        [
            ["own", "", ""],
            *(
                [path, f"sha256={reference(data)}", str(len(data))]
                for path, data in contents.items()
            ),
        ]
    )


@given(st.dictionaries(PATHS.filter(lambda path: path != "own" and "\r" not in path), st.just(b"")))
def test_the_text_is_what_the_csv_module_writes(contents: dict[str, bytes]) -> None:
    digest = hashlib.sha256(b"").hexdigest()
    text = io.StringIO()
    rows = [["own", "", ""], *([path, f"sha256={reference(b'')}", "0"] for path in contents)]
    csv.writer(text, lineterminator="\n").writerows(sorted(rows))
    made = record([RecordedFile(path, digest, 0) for path in contents], "own")
    assert made.decode() == text.getvalue()


def test_digests_are_encoded_as_one_by_one() -> None:
    messages = [bytes([number]) * number for number in range(200)]
    digests = [hashlib.sha256(message).hexdigest() for message in messages]
    assert encoded_digests(digests) == [reference(message) for message in messages]
    assert encoded_digests([]) == []


def reference(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
