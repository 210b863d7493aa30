"""Rows of a SQL query as the table of a prepare step, through ODBC with SQLite."""
import json
import shutil
import sqlite3
import subprocess

import pytest
from support import BAD_DATA, CONFIGURATION, IO, PERMISSION, temporaries

PIPELINE = """\
name: query
inputs:
  rows:
    query: {query}
    connection: {connection}
    version: {version}
steps:
  data:
    type: prepare
    inputs: {{data: "${{{{inputs.rows}}}}"}}
    target: y
    task: classification
"""


@pytest.fixture
def database(rankflow):
    drivers = subprocess.run(["odbcinst", "-q", "-d"], capture_output=True, text=True).stdout if shutil.which("odbcinst") else ""
    if "[SQLite3]" not in drivers:
        pytest.skip("no ODBC driver for SQLite (Debian: libsqliteodbc and odbcinst)")
    connection = sqlite3.connect(rankflow.folder / "rows.db")
    connection.execute("CREATE TABLE rows (id INTEGER, name TEXT, x DOUBLE, y INTEGER)")
    connection.executemany("INSERT INTO rows VALUES (?, ?, ?, ?)",
                           [(i, "größe 'x'\n" if i % 2 else None, i / 4 if i % 5 else None, i % 2) for i in range(1000)])
    connection.execute("CREATE TABLE long AS SELECT 1 AS y, ? AS text", ("ä" * 50_000,))
    connection.commit()
    rankflow.environment["DB"] = f"Driver=SQLite3;Database={rankflow.folder}/rows.db"
    return connection


def write(rankflow, query="SELECT id, name, x, y FROM rows ORDER BY id", connection="env:DB", version="1"):
    rankflow.write("p.yaml", PIPELINE.format(query=json.dumps(query), connection=connection, version=version))


def staged(rankflow):
    return [json.loads(line) for line in next(rankflow.store.glob("staged/*/*/*/data/query.jsonl")).read_text().splitlines()]


def test_rows_of_a_query(rankflow, database):
    write(rankflow)
    rankflow.write("p.yaml", (rankflow.folder / "p.yaml").read_text() + "    missing_values: mean\n")
    rankflow("run", "-n", 2, "p.yaml")
    rows = staged(rankflow)
    assert len(rows) == 1000
    assert rows[3] == {"id": 3, "name": "größe 'x'\n", "x": 0.75, "y": 1} and rows[0] == {"id": 0, "name": None, "x": None, "y": 0}
    assert rankflow.metrics("data")["rows_read"] == 1000

    database.execute("DELETE FROM rows WHERE id >= 500")
    database.commit()
    rankflow("run", "p.yaml")
    assert rankflow.statuses() == {"data": "reused"}, "what stands for the tables is the version"
    write(rankflow, version="2")
    rankflow.write("p.yaml", (rankflow.folder / "p.yaml").read_text() + "    missing_values: mean\n")
    rankflow("run", "p.yaml")
    assert rankflow.metrics("data")["rows_read"] == 500


def test_long_texts_come_whole(rankflow, database):
    write(rankflow, "SELECT y, text FROM long")
    rankflow("run", "p.yaml", code=None)
    assert staged(rankflow)[0]["text"] == "ä" * 50_000


def test_types_belong_to_the_values(rankflow, database):
    database.execute("CREATE TABLE orders (customer TEXT, price NUMERIC(10, 2), weight DECIMAL(12, 3), paid BOOLEAN, code TEXT, day DATE, "
                     "noted)")
    database.executemany("INSERT INTO orders VALUES (?, ?, ?, ?, ?, ?, ?)",
                         [("anna", 10, 1, 1, "007", "2024-01-01", 5), ("ben", 10.25, 2.125, 0, "1", None, "abc"),
                          ("ben", 2.5, None, None, "x", None, None)])
    database.commit()
    write(rankflow, "SELECT customer AS y, sum(price) AS total, count(*) AS n, CASE WHEN customer = 'ben' THEN 0.5 ELSE 1 END AS half, "
                    "coalesce(max(weight), 0) AS w FROM orders GROUP BY customer ORDER BY customer; ")
    rankflow("run", "p.yaml", code=None)
    assert staged(rankflow) == [{"y": "anna", "total": 10, "n": 1, "half": 1, "w": 1}, {"y": "ben", "total": 12.75, "n": 2, "half": 0.5, "w": 2.125}]
    shutil.rmtree(rankflow.store)
    write(rankflow, "WITH all_of_them AS (SELECT * FROM orders) SELECT * FROM all_of_them -- in their order")
    rankflow("run", "p.yaml", code=None)
    columns = ("customer", "price", "weight", "paid", "code", "day", "noted")
    assert [[row[name] for name in columns] for row in staged(rankflow)] == [
        ["anna", 10, 1, True, "007", "2024-01-01", "5"], ["ben", 10.25, 2.125, False, "1", None, "abc"],
        ["ben", 2.5, None, None, "x", None, None]]


def test_nothing_is_changed(rankflow, database):
    before = "\n".join(database.iterdump())
    for query, code in (("INSERT INTO rows VALUES (7000, 'new', 1, 1)", CONFIGURATION), ("UPDATE rows SET y = 2", CONFIGURATION),
                        ("DROP TABLE rows", CONFIGURATION), ("INSERT INTO rows (id) VALUES (7001) RETURNING id", CONFIGURATION),
                        ("SELECT 1 AS y; DELETE FROM rows", IO)):
        write(rankflow, query)
        rankflow("run", "p.yaml", code=code)
        assert "\n".join(database.iterdump()) == before, query


def test_what_can_go_wrong(rankflow, database):
    for changes, code, said in (
            ({"query": "SELECT nothing FROM rows"}, IO, "nothing"),
            ({"query": "SELECT id, id FROM rows"}, CONFIGURATION, "two columns"),
            ({"query": "DELETE FROM rows WHERE id < 0"}, CONFIGURATION, "no SELECT"),
            ({"query": "SELECT id, y FROM rows WHERE id < 0"}, BAD_DATA, "query.jsonl"),
            ({"connection": "env:NOT_SET"}, CONFIGURATION, "NOT_SET"),
            ({"connection": "Driver=SQLite3;PWD=hunter2"}, CONFIGURATION, "connection is no reference"),
            ({"version": "''"}, CONFIGURATION, "version")):
        write(rankflow, **changes)
        err = rankflow("run", "p.yaml", code=code).err
        assert said in err and "hunter2" not in err, err
        assert temporaries(rankflow.store) == []
    rankflow.write("secret", "Driver=SQLite3;Database=x").chmod(0o644)
    write(rankflow, connection="file:secret")
    assert "0600" in rankflow("run", "p.yaml", code=PERMISSION).err
    rankflow.environment["DB"] = "Driver=None;Database=x"
    write(rankflow, query="SELECT 1 AS y")
    assert "cannot connect" in rankflow("run", "p.yaml", code=IO).err
