"""Damaged tables of all formats: a clear error with the file and, where there is one, the row; exit 65; nothing published."""
import gzip
import json
import os

import numpy as np
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet
import pytest
from support import BAD_DATA, PREPARE_ROWS, temporaries

ROWS = 3000


def lines(count=ROWS):
    return ["a,b,y"] + [f"{i},{i * 0.5},{i % 2}" for i in range(count)]


def csv(wrong=None, at=1234):
    """A table whose row `at` is `wrong`."""
    rows = lines()
    if wrong is not None:
        rows[at] = wrong
    return ("\n".join(rows) + "\n").encode("latin-1")


def jsonl(wrong=None, at=1234):
    rows = [json.dumps({"a": i, "b": i * 0.5, "y": i % 2}) for i in range(ROWS)]
    if wrong is not None:
        rows[at - 1] = wrong
    return ("\n".join(rows) + "\n").encode()


def arrow_table(rows=ROWS):
    i = np.arange(rows)
    return pa.table({"a": i, "b": i * 0.5, "y": i % 2})


def parquet(table=None):
    out = pa.BufferOutputStream()
    pyarrow.parquet.write_table(arrow_table() if table is None else table, out, row_group_size=500)
    return out.getvalue().to_pybytes()


def feather(table=None):
    out = pa.BufferOutputStream()
    pyarrow.feather.write_feather(arrow_table() if table is None else table, out, compression="uncompressed", chunksize=500)
    return out.getvalue().to_pybytes()


def stream(table=None):
    table = arrow_table() if table is None else table
    out = pa.BufferOutputStream()
    with pa.ipc.new_stream(out, table.schema) as writer:
        writer.write_table(table, max_chunksize=500)
    return out.getvalue().to_pybytes()


def zstd(content):
    return pa.compress(content, codec="zstd", asbytes=True)


def spoiled(content, at):
    """With a byte changed."""
    return content[:at] + bytes([content[at] ^ 0xFF]) + content[at + 1:]


# name: (file, content, what the message says, further keys)
DAMAGED = {
    "csv: a row too short": ("t.csv", csv("1,2"), ["row 1234 has 2 columns, not 3"], ""),
    "csv: a row too long": ("t.csv", csv("1,2,3,4"), ["row 1234 has 4 columns, not 3"], ""),
    "csv: a row too long, the last": ("t.csv", csv("1,2,3,4", ROWS), [f"row {ROWS} has 4 columns"], ""),
    "csv: no number": ("t.csv", csv("1,x,0"), ['row 1234: column "b": "x" is no number'], ""),
    "csv: no value": ("t.csv", csv("1,,0"), ['row 1234: column "b" has no value'], ""),
    "csv: infinite": ("t.csv", csv("1,inf,0"), ['row 1234: column "b" has an infinite value'], ""),
    "csv: not UTF-8": ("t.csv", csv("1,\xe4,0"), ['row 1234: column "b" is not UTF-8'], ""),
    "csv: names not UTF-8": ("t.csv", b"a,b,y\xff\n1,2,3\n", ["names of the columns are not UTF-8"], ""),
    "csv: a quote not closed": ("t.csv", csv('1,"2,0'), ["quote", "never closed"], ""),
    "csv: a quote not closed in the header": ("t.csv", b'a,"b,y\n1,2,3\n', ["first row is not complete"], ""),
    "csv: a huge field": ("t.csv", csv('1,"' + "x" * (70 << 20) + '",0', 2), ["row 1 or one after it is longer than 64 MiB"], ""),
    "csv: empty": ("t.csv", b"", ["is empty"], ""),
    "csv: only line ends": ("t.csv", b"\n\n\n", ["first row is not complete"], ""),
    "csv: no rows": ("t.csv", b"a,b,y\n", ["no rows"], ""),
    "csv: a name twice": ("t.csv", b"a,a,y\n1,2,0\n", ['two columns are called "a"'], ""),
    "csv: another delimiter": ("t.csv", csv().replace(b",", b";"), ['no column "'], ""),
    "csv: declared integer, a real": ("t.csv", csv("1.5,2,0"), ['row 1234: column "a": "1.5" is no integer'], "schema: {a: integer}"),
    "csv: declared integer, too large": ("t.csv", csv("99999999999999999999,2,0"), ["row 1234", "is no integer"], "schema: {a: integer}"),
    "csv: declared boolean": ("t.csv", csv("maybe,2,0"), ['column "a"', "is no boolean"], "schema: {a: boolean}"),
    "csv: NUL bytes": ("t.csv", csv("1,\0,0"), ["row 1234"], ""),
    "csv: one class": ("t.csv", b"a,b,y\n1,2,0\n3,4,0\n", ["fewer than two"], ""),
    "csv: utf-16 cut off": ("t.csv", csv().decode().encode("utf-16")[:-1], ["ends in the middle of a character"], "encoding: utf-16"),
    "csv: not in its encoding": ("t.csv", csv("1,\xff,0"), ["byte", "is no character of the encoding"], "encoding: ascii"),
    "gzip: cut off": ("t.csv.gz", gzip.compress(csv())[:5000], ["t.csv.gz"], ""),
    "gzip: cut off in the last bytes": ("t.csv.gz", gzip.compress(csv())[:-3], ["t.csv.gz"], ""),
    "gzip: a byte changed": ("t.csv.gz", spoiled(gzip.compress(csv()), 4000), ["t.csv.gz"], ""),
    "gzip: only its first bytes": ("t.csv.gz", b"\x1f\x8b", ["t.csv.gz"], ""),
    "zstd: cut off": ("t.csv.zst", zstd(csv())[:5000], ["t.csv.zst"], ""),
    "zstd: none at all": ("t.csv.zst", csv(), ["t.csv.zst"], ""),
    "jsonl: no object": ("t.jsonl", jsonl("[1, 2]"), ["t.jsonl: row 1234"], ""),
    "jsonl: cut off": ("t.jsonl", jsonl()[:-9], [f"t.jsonl: row {ROWS}"], ""),
    "jsonl: another type": ("t.jsonl", jsonl('{"a": 1, "b": "x", "y": 0}'), ["t.jsonl: row 1234"], ""),
    "jsonl: a name twice": ("t.jsonl", jsonl('{"a": 1, "a": 2, "y": 0}'), ["t.jsonl"], ""),
    "jsonl: a list": ("t.jsonl", jsonl().replace(b'"b": ', b'"b": [').replace(b', "y"', b'], "y"'), ['"b" holds values of type list'], ""),
    "jsonl: declared integer": ("t.jsonl", jsonl('{"a": "x", "b": 1, "y": 0}'), ["t.jsonl: row 1234"], "schema: {a: integer}"),
    "jsonl: not UTF-8": ("t.jsonl", jsonl().replace(b'"a": 7,', b'"a": "\xff",'), ["t.jsonl"], ""),
    "jsonl: empty lines only": ("t.jsonl", b"\n\n", ["no rows"], ""),
    "parquet: cut off": ("t.parquet", parquet()[:-100], ["t.parquet"], ""),
    "parquet: only its first half": ("t.parquet", parquet()[:len(parquet()) // 2], ["t.parquet"], ""),
    "parquet: text": ("t.parquet", csv(), ["t.parquet"], ""),
    "parquet: too small": ("t.parquet", b"PAR1", ["t.parquet"], ""),
    "parquet: no rows": ("t.parquet", parquet(arrow_table(0)), ["no rows"], ""),
    "parquet: a list": ("t.parquet", parquet(arrow_table().set_column(1, "b", pa.array([[1]] * ROWS))), ['"b" holds values of type list'], ""),
    "parquet: a list in a filter": ("t.parquet", parquet(arrow_table().append_column("l", pa.array([[1]] * ROWS))),
                                    ['t.parquet: column "l" holds values of type list'], "filter: l > 1"),
    "arrow: durations": ("t.arrow", feather(arrow_table().set_column(1, "b", pa.array([1] * ROWS, pa.duration("s")))),
                         ['"b" holds values of type duration'], ""),
    "parquet: a text for a number": ("t.parquet", parquet(arrow_table().set_column(1, "b", pa.array(["x"] * ROWS))), ['"x" is no number'], ""),
    "parquet: no value": ("t.parquet", parquet(arrow_table().set_column(1, "b", pa.array([None] + [1.0] * (ROWS - 1)))),
                          ['row 1: column "b" has no value'], ""),
    "arrow: cut off": ("t.arrow", feather()[:-100], ["t.arrow"], ""),
    "arrow: text": ("t.arrow", csv(), ["t.arrow"], ""),
    "arrow: no rows": ("t.arrow", feather(arrow_table(0)), ["no rows"], ""),
    "arrow stream: cut off": ("t.arrows", stream()[:-100], ["t.arrows: batch 6"], ""),
    "arrow stream: only its first half": ("t.arrows", stream()[:len(stream()) // 2], ["t.arrows: batch"], ""),
    "arrow stream: text": ("t.arrows", csv(), ["t.arrows"], ""),
    "arrow stream: no rows": ("t.arrows", stream(arrow_table(0)), ["no rows"], ""),
    "derive: divided by 0": ("t.csv", csv(), ["t.csv: row 1234: divide by zero"], "derive: {q: 10 / (a - 1233)}"),
    "derive: no date": ("t.csv", csv("1,x,0"), ["t.csv: row 1: "], "derive: {d: year(text(b))}"),
    "filter: too large": ("t.csv", csv("9223372036854775807,1,0"), ["t.csv: row 1234: overflow"], "filter: a + 1 > 0"),
    "csv as parquet": ("t.csv", csv(), ["t.csv"], "format: parquet"),
    "parquet as csv": ("t.parquet", parquet(), ["t.parquet"], "format: csv"),
}


def refused(flow, *said, ranks=1):
    result = flow("run", "-n", ranks, "p.yaml", code=BAD_DATA if "no column" not in str(said) else None)
    assert result.code in (BAD_DATA, 78), result.err
    for text in said:
        assert text in result.err, result.err
    assert temporaries(flow.store) == []
    assert not list(flow.store.glob("artifacts/*/*")), "nothing is published"


@pytest.mark.parametrize("name", DAMAGED)
def test_damaged(rankflow, name):
    file, content, said, keys = DAMAGED[name]
    (rankflow.folder / file).write_bytes(content)
    rankflow.write("p.yaml", PREPARE_ROWS.replace("rows.csv", file) + (f"    {keys}\n" if keys else ""))
    refused(rankflow, *said)


@pytest.mark.parametrize("other, said", [
    (b"a,c,y\n1,2,0\n", 'b.csv: column 2 is "c", but '),
    (b"a,b\n1,2\n", 'b.csv: column 3 is none, but '),
    (b"a,b,y\nx,2,0\n", 'b.csv: row 1: column "a": "x" is no number'),
])
def test_files_that_differ(rankflow, other, said):
    (rankflow.folder / "rows").mkdir()
    (rankflow.folder / "rows/a.csv").write_bytes(csv())
    (rankflow.folder / "rows/b.csv").write_bytes(other)
    rankflow.write("p.yaml", PREPARE_ROWS.replace("rows.csv", "rows"))
    refused(rankflow, said, ranks=2)


def test_parquet_files_whose_types_differ(rankflow):
    (rankflow.folder / "rows").mkdir()
    (rankflow.folder / "rows/a.parquet").write_bytes(parquet())
    (rankflow.folder / "rows/b.parquet").write_bytes(parquet(arrow_table().set_column(0, "a", pa.array(["x"] * ROWS))))
    rankflow.write("p.yaml", PREPARE_ROWS.replace("rows.csv", "rows"))
    refused(rankflow, 'b.parquet: column "a" is text, but ', "a.parquet has it as integer")


def test_columns_that_fit_all_the_same(rankflow):
    """A list that nobody asks for, a column of no values in one of the files, dictionaries of views, types that are declared."""
    (rankflow.folder / "rows").mkdir()
    names = pa.array(["x", "y"] * (ROWS // 2))
    lists = pa.array([{"k": 1, "l": [2]}] * ROWS)
    more = arrow_table().add_column(0, "lists", lists)
    for file, column in (("a", names), ("b", pa.nulls(ROWS)), ("c", pa.array(range(ROWS)))):
        (rankflow.folder / f"rows/{file}.parquet").write_bytes(parquet(more.append_column("c", column)))
    rankflow.write("p.yaml", PREPARE_ROWS.replace("rows.csv", "rows") + "    schema: {c: text}\n")
    rankflow("run", "p.yaml")
    assert rankflow.metrics("data")["rows_read"] == 3 * ROWS
    view = pa.array(["x", None, "y"], pa.string_view())
    codes = pa.DictionaryArray.from_arrays(pa.array([0, 2, 1] * (ROWS // 3), pa.uint32()), view)
    (rankflow.folder / "t.arrow").write_bytes(feather(arrow_table().set_column(1, "b", codes)))
    rankflow.write("p.yaml", PREPARE_ROWS.replace("rows.csv", "t.arrow") + "    filter: b != 'z'\n")
    assert '"b": "x" is no number' in rankflow("run", "p.yaml", code=BAD_DATA).err


def test_a_name_that_is_no_utf8(rankflow):
    rankflow.write("p.yaml", PREPARE_ROWS)
    rankflow.write("tables/a.csv", "\n".join(lines(20)) + "\n")
    os.rename(bytes(rankflow.folder / "tables/a.csv"), bytes(rankflow.folder / "tables") + b"/caf\xe9.csv")
    result = rankflow("run", "-n", "2", "p.yaml", "--input", "rows=tables", code=BAD_DATA)
    assert 'the file "caf\\xe9.csv" is not UTF-8' in result.err, result.err


def test_a_folder_without_tables(rankflow):
    rankflow.write("rows/notes.md", "none here")
    rankflow.write("p.yaml", PREPARE_ROWS.replace("rows.csv", "rows"))
    refused(rankflow, "no file whose suffix is that of a table")
    rankflow.write("p.yaml", PREPARE_ROWS.replace("rows.csv", "rows") + "    files: '*.csv'\n")
    refused(rankflow, "no file matches")
