"""Text files: cells as they are, and the line of every row as an editor shows it."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data.sources.base import RECORD, Rejected
from data.sources.csvfile import CsvPart
from data.sources.files import find

PLAIN = st.text("abcя1 ", max_size=4)
# A cell: what it means and how it is written.
CELLS = st.one_of(
    PLAIN.map(lambda cell: (cell, cell)),
    st.text('ab ,"\n', max_size=5).map(lambda cell: (cell, '"' + cell.replace('"', '""') + '"')),
    PLAIN.map(lambda cell: (f'x{cell}"', f'x{cell}"')),  # a stray quote is itself
)
ROWS = st.lists(st.lists(CELLS, min_size=1, max_size=4), max_size=12)


def part(path: Path, **options: object) -> CsvPart:
    return CsvPart(find(str(path))[0], **options)


def read(source: CsvPart, *columns: str) -> tuple[list[dict], list[Rejected]]:
    rejected: list[Rejected] = []
    batches = list(source.batches(columns, rejected))
    return [row for batch in batches for row in batch.to_pylist()], rejected


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(ROWS, st.sets(st.integers(0, 12)), st.sampled_from(["\n", "\r\n"]))
def test_cells_records_and_lines(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[list[tuple[str, str]]],
    blank_before: set[int],
    end: str,
) -> None:
    path = tmp_path_factory.mktemp("csv") / "a.csv"
    text, places, good, bad = f"a,b,c{end}", [], [], []
    for record, row in enumerate(rows):
        if record in blank_before:
            text += end
        written = ",".join(cell for _, cell in row) or '""'
        places.append((text.count("\n") + 1, written))
        text += written + end
        cells = [cell for cell, _ in row]
        if len(cells) == 3:
            good.append({"a": cells[0], "c": cells[2], RECORD: record})
        else:
            bad.append(record)
    path.write_bytes(text.encode())
    found, rejected = read(part(path), "a", "c")
    assert found == good
    assert [row.record for row in rejected] == bad
    assert list(part(path).locate(range(len(rows)))) == places
    assert list(part(path).locate(bad)) == [places[record] for record in bad]


def test_rows_keep_their_numbers_over_blocks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("data.sources.csvfile._BLOCK", 64)
    lines = [f"{n},x" if n % 5 else f"{n},x,too many" for n in range(200)]
    path = tmp_path / "a.csv"
    path.write_text("n,t\n" + "\n".join(lines))  # and no end of line at the end
    found, rejected = read(part(path), "n")
    assert all(int(row["n"]) == row[RECORD] for row in found)
    assert [row.record for row in rejected] == list(range(0, 200, 5))
    assert list(part(path).locate([195, 199])) == [(197, lines[195]), (201, lines[199])]


def test_delimiter_of_two_characters_cut_by_blocks(tmp_path: Path) -> None:
    path = tmp_path / "a.dat"
    for size in range(65_530, 65_540):
        path.write_text(f"{'a' * size}::b:c::d\n1::2::3")
        found, rejected = read(part(path, delimiter="::", names=("x", "y", "z")), "y", "z")
        assert [(row["y"], row["z"]) for row in found] == [("b:c", "d"), ("2", "3")]
        assert rejected == []


def test_header_is_trimmed_and_columns_are_text(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text('\ufeff"a", b ,c\n1,2,3\n')
    assert part(path).schema() == pa.schema([(name, pa.string()) for name in "abc"])
    assert read(part(path), "b")[0] == [{"b": "2", RECORD: 0}]


def test_latin_1(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes("t\nCafé\n".encode("latin-1"))
    assert read(part(path, encoding="latin-1"), "t")[0] == [{"t": "Café", RECORD: 0}]
    assert list(part(path, encoding="latin-1").locate([0])) == [(2, "Café")]
