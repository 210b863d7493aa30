"""What a Python entry script sees of the rankflow step that runs it.

    import joblib, rankflow_step

    def init():                     # once in each process
        global model
        model = joblib.load(rankflow_step.context.inputs["model"])

    def run(mini_batch):            # a pandas DataFrame of rows, or a list of paths
        return model.predict(mini_batch)

`run` gives a DataFrame, a Series, an array, or a list of values, of lists or of dictionaries: in a score step one result for
each row, in a prepare step any number of rows of a table; None, NaN, NaT and pandas.NA are missing values. Nothing here is needed by scripts that have no use for the run's context.
"""
import functools
import importlib.util
import json
import math
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
        """Keeps a number with the run; those of the first rank's process count. What is not finite is null there."""
        value = float(value)
        self._metrics.append([str(name), value if math.isfinite(value) else None, int(at)])


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


def _plain_values(field, column):
    """A column of a table in pandas: of the same type in every mini-batch, that of the whole table."""
    import pyarrow as pa

    values = column.to_pandas()
    # pandas has no gaps in columns of integers and booleans: where any row of the table lacks a value (`nullable`), these are
    # numbers and objects, as where it reads the whole table at once.
    if not field.nullable or column.null_count > 0:
        return values
    if pa.types.is_integer(field.type):
        return values.astype("float64")
    return values.astype(object) if pa.types.is_boolean(field.type) else values


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
            plain[field.name] = _plain_values(field, column)
    if plain or not blocks:
        blocks.insert(0, pd.DataFrame(plain, index=range(table.num_rows)))
    return blocks[0] if len(blocks) == 1 else pd.concat(blocks, axis=1)


def _as_python(value):
    import numpy as np

    is_number = isinstance(value, (np.bool_, np.number)) and not isinstance(value, np.timedelta64)
    return value.item() if is_number else value


def _array(name, values):
    """The values of a column that `run` gave: None, NaN, NaT and pandas.NA are missing."""
    import numpy as np
    import pandas as pd
    import pyarrow as pa

    try:
        if isinstance(values, np.ma.MaskedArray):
            return pa.array(values.data, mask=np.ma.getmaskarray(values))
        if isinstance(values, np.ndarray):
            # Floating-point numbers are taken where they lie; which of them are NaN is found out where the rows are kept.
            return pa.array(np.ascontiguousarray(values), from_pandas=values.dtype.kind not in "fiub")
        if isinstance(values, (list, tuple)):
            try:
                return pa.array(values, from_pandas=True)
            except pa.ArrowInvalid:  # also where numbers of Python and of numpy's types stand side by side
                return pa.array([_as_python(value) for value in values], from_pandas=True)
        dense = values.sparse.to_dense() if isinstance(values.dtype, pd.SparseDtype) else values
        return pa.array(dense, from_pandas=True)
    except (pa.ArrowException, OverflowError, UnicodeError) as error:
        raise TypeError(f"column {name!r} of what run() gave: {error}; {_WANTED}") from None


_WANTED = "a column has booleans, 64-bit integers, numbers, texts, dates or times, all of one kind, and gaps"


def _table(result):
    """What `run` gave as an Arrow table."""
    import numpy as np
    import pandas as pd
    import pyarrow as pa

    if isinstance(result, pa.Table):
        return result
    if isinstance(result, (pd.Index, pd.api.extensions.ExtensionArray)):
        result = pd.Series(result)
    if isinstance(result, pd.DataFrame):
        columns = [(str(name), result.iloc[:, i]) for i, name in enumerate(result.columns)]
    elif isinstance(result, pd.Series):
        columns = [(str(result.name) if result.name is not None else "prediction", result)]
    elif isinstance(result, np.ndarray):
        if result.ndim > 2:
            raise TypeError(f"run() gave an array of shape {result.shape}: rows, or rows of numbers, are wanted")
        columns = _numbered(list(result.T) if result.ndim == 2 else [result])
    elif isinstance(result, (list, tuple)):
        if result and all(isinstance(row, dict) for row in result):
            names = dict.fromkeys(name for row in result for name in row)
            columns = [(str(name), [row.get(name) for row in result]) for name in names]
        elif result and all(isinstance(row, (list, tuple)) or getattr(row, "ndim", 0) == 1 for row in result):
            lengths = {len(row) for row in result}
            if len(lengths) > 1:
                raise TypeError(f"run() gave rows of {min(lengths)} to {max(lengths)} values: as many in each row are wanted")
            columns = [(f"prediction_{i}", column) for i, column in enumerate(zip(*result))]
        else:
            columns = [("prediction", result)]
    else:
        raise TypeError(f"run() gave {type(result).__name__}: a DataFrame, Series, array or list of result rows is wanted")
    return pa.Table.from_arrays([_array(name, values) for name, values in columns], [name for name, _ in columns])


def _numbered(columns):
    return [("prediction" if len(columns) == 1 else f"prediction_{i}", column) for i, column in enumerate(columns)]


def _text_of_times(column):
    """Times as ISO 8601 has them, with as many decimals of the second as each of them needs: pandas' unit of time, on which Arrow's
    texts depend, may be another in every mini-batch."""
    import pyarrow as pa
    import pyarrow.compute as pc

    text = column.cast(pa.string())
    zone = r"(Z|[+-][0-9:]+)?$"
    text = pc.replace_substring_regex(text, r"\.0+" + zone, r"\1")
    return pc.replace_substring_regex(text, r"(\.[0-9]*[1-9])0+" + zone, r"\1\2")


def _plain(name, column):
    """A column of results: booleans, 64-bit integers, numbers and texts. A missing number may be NaN as well as null."""
    import pyarrow as pa

    kind = column.type
    if pa.types.is_boolean(kind) or pa.types.is_null(kind):
        return column
    if pa.types.is_dictionary(kind):
        return _plain(name, pa.chunked_array([chunk.dictionary_decode() for chunk in column.chunks], kind.value_type))
    if pa.types.is_float32(kind) or pa.types.is_float64(kind):
        return column.fill_null(float("nan"))
    if pa.types.is_float16(kind):
        return column.cast(pa.float32()).fill_null(float("nan"))
    if pa.types.is_decimal(kind):
        # By way of texts: Arrow's own conversion makes 5.1000000000000005 of 5.10.
        return column.cast(pa.string()).cast(pa.float64()).fill_null(float("nan"))
    if pa.types.is_timestamp(kind) or pa.types.is_time(kind):
        return _text_of_times(column)
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind) or pa.types.is_date(kind):
        return column.cast(pa.string())
    if pa.types.is_integer(kind):
        try:
            return column.cast(pa.int64())
        except pa.ArrowInvalid as error:
            raise TypeError(f"column {name!r} of what run() gave: {error}; {_WANTED}") from None
    raise TypeError(f"column {name!r} of what run() gave holds {kind}{_instead(kind)}; {_WANTED}")


def _instead(kind):
    import pyarrow as pa

    if pa.types.is_duration(kind):
        return " (.dt.total_seconds() makes numbers of them)"
    if any(check(kind) for check in (pa.types.is_binary, pa.types.is_large_binary, pa.types.is_binary_view, pa.types.is_fixed_size_binary)):
        return " (.decode() makes texts of them)"
    return ""


def _with_gaps(name, column):
    """A column of a table that is prepared further: what is missing is null."""
    import pyarrow as pa
    import pyarrow.compute as pc

    column = _plain(name, column)
    if not pa.types.is_floating(column.type):
        return column
    column = column.cast(pa.float64())
    column = pc.if_else(pc.is_nan(column), None, column)
    # pandas makes numbers of a column without any value, whatever it has in other mini-batches.
    return pa.chunked_array([pa.nulls(len(column))]) if column.null_count == len(column) else column


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
    columns = [as_column(name, column) for name, column in zip(given.column_names, given.columns)]
    table = pa.Table.from_arrays(columns, given.column_names)
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
