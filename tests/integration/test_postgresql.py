"""Rows of a SQL query from a PostgreSQL server, through ODBC."""
import json
import time

import postgresql
import pytest
from support import CONFIGURATION, IO, PERMISSION, temporaries
from test_queries import staged, write

TYPES = """\
CREATE TABLE rows (y integer, small smallint, big bigint, "real" real, double double precision, exact numeric(12, 3), yes boolean,
                   name text, short varchar(20), fixed char(4), day date, moment timestamp, id uuid);
INSERT INTO rows VALUES
  (0, -32768, 9007199254740993, 0.5, 1e300, 123456.789, true, E'größe ''x''\\n', 'a,b', 'ab', '2024-02-29', '2024-02-29 23:59:58.25',
   'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'),
  (1, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
  (1, 1, -1, -0.25, 0, 0, false, '', 'x', '', '1999-12-31', '1999-12-31 00:00:00', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a12');
CREATE TABLE long AS SELECT 1 AS y, repeat('ä', 50000) AS text;
CREATE TABLE many AS SELECT i % 2 AS y, i, i / 4.0 AS x, 'k' || i % 7 AS k FROM generate_series(0, 19999) AS i;
"""


@pytest.fixture(scope="module")
def server():
    if why := postgresql.missing():
        pytest.skip(why)
    server = postgresql.Postgresql()
    try:
        server.sql(TYPES)
        yield server
    finally:
        server.close()


@pytest.fixture
def flow(rankflow, server):
    rankflow.environment["DB"] = server.connection()
    return rankflow


def test_every_type(flow):
    write(flow, "SELECT * FROM rows ORDER BY y, small")
    flow("run", "p.yaml", code=None)  # a column of dates has too many categories for nothing else than this test
    first, last, none = staged(flow)
    first["id"] = first["id"].lower()  # the driver writes it in capitals
    assert first == {"y": 0, "small": -32768, "big": 9007199254740993, "real": 0.5, "double": 1e300, "exact": 123456.789, "yes": True,
                     "name": "größe 'x'\n", "short": "a,b", "fixed": "ab  ", "day": "2024-02-29", "moment": "2024-02-29 23:59:58.25",
                     "id": "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"}
    assert none == {**dict.fromkeys(first), "y": 1}
    assert (last["yes"], last["name"], last["fixed"], last["exact"]) == (False, "", "    ", 0)


def test_many_rows_on_two_ranks_are_prepared_as_the_table_they_are(flow):
    write(flow, "SELECT i, x, k, y FROM many ORDER BY i")
    flow("run", "-n", 2, "p.yaml")
    assert flow.metrics("data")["rows_read"] == 20000
    _, digest = flow.artifact("data", "data")
    flow.write("many.csv", "i,x,k,y\n" + "".join(f"{i},{i / 4},k{i % 7},{i % 2}\n" for i in range(20000)))
    flow.write("p.yaml", 'inputs: {rows: many.csv}\nsteps:\n  data: {type: prepare, inputs: {data: "${{inputs.rows}}"}, target: y, '
               "task: classification}\n")
    flow("run", "p.yaml")
    assert flow.artifact("data", "data")[1] == digest


def test_long_texts_come_whole(flow):
    write(flow, "SELECT y, text FROM long")
    flow("run", "p.yaml", code=None)
    assert staged(flow)[0]["text"] == "ä" * 50_000


def test_credentials_lie_in_a_file_of_their_own(flow, server):
    del flow.environment["DB"]
    write(flow, "SELECT i, y FROM many", connection="file:secret")
    flow.write("secret", server.connection() + "\n").chmod(0o600)
    flow("run", "p.yaml")
    assert postgresql.PASSWORD not in "".join(p.read_text(errors="replace") for p in flow.store.rglob("*") if p.is_file())


def test_what_the_server_says_is_passed_on(flow, server):
    write(flow, "SELECT nothing FROM rows")
    err = flow("run", "p.yaml", code=IO).err
    assert 'column "nothing" does not exist' in err, err
    write(flow, "SELECT y, 1 / (y - 1) AS x FROM rows")
    assert "division by zero" in flow("run", "p.yaml", code=IO).err
    write(flow, "UPDATE rows SET y = 7 WHERE y = 8")
    assert "no SELECT" in flow("run", "p.yaml", code=CONFIGURATION).err
    for query, code in (("INSERT INTO many VALUES (0, 7, 0, 'new')", CONFIGURATION), ("DROP TABLE many", CONFIGURATION),
                        ("INSERT INTO many VALUES (0, 7, 0, 'new') RETURNING y", IO),
                        ("WITH gone AS (DELETE FROM many RETURNING y) SELECT y FROM gone", IO)):
        write(flow, query)
        flow("run", "p.yaml", code=code)
        assert server.sql("SELECT count(*) FROM many") == "20000", query
    flow.environment["DB"] = server.connection(Database="none")
    write(flow, "SELECT 1 AS y")
    assert 'database "none" does not exist' in flow("run", "p.yaml", code=IO).err
    assert temporaries(flow.store) == []


def test_a_wrong_password_is_refused_and_not_repeated(flow, server):
    flow.environment["DB"] = server.connection(password="hunter2")
    write(flow, "SELECT 1 AS y")
    err = flow("run", "p.yaml", code=PERMISSION).err
    assert "password authentication failed" in err and "hunter2" not in err, err


def test_a_server_that_goes_away(flow, server):
    write(flow, "SELECT 1 AS y, pg_sleep(600)::text AS slept")
    running = flow.start("run", "p.yaml")
    try:
        deadline = time.monotonic() + 60
        while server.sql("SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(600)%' AND pid <> pg_backend_pid()") == "0":
            assert running.poll() is None and time.monotonic() < deadline
            time.sleep(0.05)
        server.stop()
        out, err = running.communicate(timeout=120)
    finally:
        running.kill()
        running.wait()
    try:
        assert running.returncode == IO and "the query fails" in err, (running.returncode, out, err)
        assert temporaries(flow.store) == []
        assert "cannot connect" in flow("run", "p.yaml", code=IO).err
    finally:
        server.start()
    write(flow, "SELECT i, y FROM many")
    flow("run", "p.yaml")
