"""What a Python entry script sees of the rankflow step that runs it.

    import joblib, rankflow_step

    def init():                     # once in each process
        global model
        model = joblib.load(rankflow_step.context.inputs["model"])

    def run(mini_batch):            # a pandas DataFrame of rows, or a list of paths
        return model.predict(mini_batch)

`run` gives a DataFrame, a Series, an array, or a list of values, of lists or of dictionaries: in a score step one result for
each row, in a prepare step any number of rows of a table. Nothing here is needed by scripts that have no use for the run's context.
"""
import functools
import importlib.util
import json
import os
import socket
import struct
import sys
import traceback


class Context:
    """Where a process stands. `inputs` and `outputs`: paths by name; `parameters`: those of the step's key `parameters`."""

    def __init__(self):
        self.step, self.rank, self.ranks = "", 0, 1
        self.inputs, self.outputs, self.parameters = {}, {}, {}
        self._metrics = []

    def metric(self, name, value, at=0):
        """Keeps a number with the run; those of the first rank's process count."""
        self._metrics.append([str(name), float(value), int(at)])


context = Context()

_HEADER = struct.Struct("<IQ")  # bytes of the JSON text, bytes of what follows it


class _Channel:
    """Messages to and from the rank: a JSON text and bytes."""

    def __init__(self, path):
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.connect(path)

    def _read(self, size):
        data = bytearray(size)
        view = memoryview(data)
        while view:
            n = self._socket.recv_into(view)
            if n == 0:
                raise EOFError
            view = view[n:]
        return data

    def receive(self):
        head, payload = _HEADER.unpack(self._read(_HEADER.size))
        return json.loads(self._read(head)), self._read(payload)

    def send(self, head, payload=b""):
        # A name that is no UTF-8 has lone surrogates, which no text that leaves Python may have.
        text = json.dumps(head, ensure_ascii=False).encode(errors="replace")
        self._socket.sendall(_HEADER.pack(len(text), len(payload)) + text)
        self._socket.sendall(payload)


def _load(path):
    sys.path.insert(0, os.path.dirname(path))
    spec = importlib.util.spec_from_file_location("entry_script", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules["entry_script"] = module
    spec.loader.exec_module(module)
    if not callable(getattr(module, "run", None)):
        raise AttributeError(f"{path} has no function run(mini_batch)")
    return module


@functools.lru_cache(maxsize=64)
def _labels(text):
    import pandas as pd

    return pd.Index(json.loads(text))


def _frame(payload):
    """The rows as a DataFrame; a column of several numbers a row becomes a column for each, without a copy."""
    import pandas as pd
    import pyarrow as pa

    table = pa.ipc.open_stream(pa.py_buffer(payload)).read_all()
    blocks = []
    plain = {}
    for field, column in zip(table.schema, table.columns):
        if pa.types.is_fixed_size_list(field.type):
            values = column.combine_chunks().flatten()
            names = _labels(field.metadata[b"labels"])
            if pa.types.is_dictionary(field.type.value_type):
                codes = values.indices.to_numpy(zero_copy_only=False)
                codes = pd.Series(codes).fillna(-1).to_numpy(dtype="int32").reshape(-1, len(names))
                for i, name in enumerate(names):
                    plain[name] = pd.Categorical.from_codes(codes[:, i], values.dictionary.to_pylist())
            else:
                blocks.append(pd.DataFrame(values.to_numpy().reshape(table.num_rows, len(names)), columns=names, copy=False))
        else:
            plain[field.name] = column.to_pandas()
    if plain or not blocks:
        blocks.insert(0, pd.DataFrame(plain, index=range(table.num_rows)))
    return blocks[0] if len(blocks) == 1 else pd.concat(blocks, axis=1)


def _table(result):
    """What `run` gave as an Arrow table."""
    import numpy as np
    import pandas as pd
    import pyarrow as pa

    if isinstance(result, pa.Table):
        return result
    if isinstance(result, pd.DataFrame):
        return pa.Table.from_pandas(result, preserve_index=False)
    if isinstance(result, pd.Series):
        return pa.table({str(result.name) if result.name is not None else "prediction": pa.array(result, from_pandas=True)})
    if isinstance(result, (list, tuple, np.ndarray)):
        if isinstance(result, np.ndarray):
            if result.ndim > 2:
                raise TypeError(f"run() gave an array of shape {result.shape}: rows, or rows of numbers, are wanted")
            result = list(result.T) if result.ndim == 2 else [result]
            names = ["prediction"] if len(result) == 1 else [f"prediction_{i}" for i in range(len(result))]
            return pa.table({name: pa.array(np.ascontiguousarray(column)) for name, column in zip(names, result)})
        if result and all(isinstance(row, dict) for row in result):
            names = dict.fromkeys(name for row in result for name in row)
            return pa.table({str(name): pa.array([row.get(name) for row in result]) for name in names})
        if result and all(isinstance(row, (list, tuple)) for row in result):
            columns = list(zip(*result, strict=True))
            return pa.table({f"prediction_{i}": pa.array(column) for i, column in enumerate(columns)})
        return pa.table({"prediction": pa.array([v.item() if isinstance(v, np.generic) else v for v in result])})
    raise TypeError(f"run() gave {type(result).__name__}: a DataFrame, Series, array or list of result rows is wanted")


def _with_gaps(name, column):
    """A column of a table that is prepared further: missing values stay missing."""
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = column.type
    if pa.types.is_dictionary(kind):
        return _with_gaps(name, column.cast(kind.value_type))
    if pa.types.is_floating(kind):
        column = column.cast(pa.float64())
        return pc.if_else(pc.is_nan(column), None, column)
    if pa.types.is_string_view(kind):
        return column.cast(pa.string())
    is_plain = (pa.types.is_boolean, pa.types.is_integer, pa.types.is_string, pa.types.is_large_string, pa.types.is_decimal,
                pa.types.is_date, pa.types.is_time, pa.types.is_timestamp, pa.types.is_null)
    if any(check(kind) for check in is_plain):
        return column
    raise TypeError(f"column {name!r} of the rows holds {kind}: booleans, numbers, texts, dates and times are wanted")


def _plain(name, column):
    """A column of results: booleans, 64-bit integers, numbers and texts, without missing values."""
    import pyarrow as pa

    kind = column.type
    if pa.types.is_dictionary(kind):
        return _plain(name, column.cast(kind.value_type))
    if pa.types.is_boolean(kind) and column.null_count == 0:
        return column
    if pa.types.is_integer(kind):
        return column.cast(pa.int64()) if column.null_count == 0 else column.cast(pa.float64()).fill_null(float("nan"))
    if pa.types.is_float32(kind) or pa.types.is_float64(kind):
        return column.fill_null(float("nan"))
    if pa.types.is_float16(kind):
        return column.cast(pa.float32()).fill_null(float("nan"))
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_temporal(kind) or pa.types.is_string_view(kind):
        return column.cast(pa.string()).fill_null("")
    raise TypeError(f"column {name!r} of the results holds {kind}{' with missing values' if column.null_count else ''}: "
                    "booleans, numbers and texts are wanted")


def _bytes(table):
    import pyarrow as pa

    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        for batch in table.combine_chunks().to_batches():
            writer.write_batch(batch)
    return sink.getvalue()


def _answer(module, as_column, head, payload):
    import pyarrow as pa

    mini_batch = head["paths"] if "paths" in head else _frame(payload)
    given = _table(module.run(mini_batch))
    table = pa.table({name: as_column(name, column) for name, column in zip(given.column_names, given.columns)})
    metrics, context._metrics = context._metrics, []
    return {"kind": "result", "rows": table.num_rows, "metrics": metrics}, _bytes(table)


def _failure(error):
    lines = traceback.format_exception(error)
    # Frames of this file say nothing about the user's code.
    text = "".join(line for line in lines if f'File "{__file__}"' not in line)
    return {"kind": "failed", "error": "".join(traceback.format_exception_only(error)).strip(), "traceback": text}


def _serve(path):
    channel = _Channel(path)
    head, _ = channel.receive()
    for name in ("step", "rank", "ranks", "inputs", "outputs", "parameters"):
        setattr(context, name, head[name])
    as_column = {"results": _plain, "table": _with_gaps}[head["rows"]]
    try:
        module = _load(head["script"])
        if callable(getattr(module, "init", None)):
            module.init()
    except Exception as error:
        channel.send(_failure(error))
        return
    channel.send({"kind": "ready"})
    while True:
        try:
            head, payload = channel.receive()
        except EOFError:
            break
        try:
            answer = _answer(module, as_column, head, payload)
        except Exception as error:
            answer = (_failure(error),)
        sys.stdout.flush()
        channel.send(*answer)
    if callable(getattr(module, "shutdown", None)):
        module.shutdown()


if __name__ == "__main__":
    import rankflow_step  # the module that the user's script imports, which this one is not

    rankflow_step._serve(sys.argv[1])
