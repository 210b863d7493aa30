"""What configs/flights.yaml's `prepare` does, in polars: derived columns, rows without a delay left out, a random split, scaling and
codes learnt on the training rows, all splits written as Parquet and brought to disk. Prints the seconds from the first read on.

    polars_prepare.py CSV FOLDER"""
import os
import sys
import time
from pathlib import Path

import polars as pl


def main():
    source, folder = sys.argv[1], Path(sys.argv[2])
    start = time.perf_counter()
    data = (pl.read_csv(source, null_values=["", "NA"], schema_overrides={"origin": pl.String, "destination": pl.String})
            .with_row_index("row")
            .with_columns(month=pl.col("date") // 1_000_000, hour=pl.col("date") // 100 % 100, target=(pl.col("delay") > 15).cast(pl.Int64))
            .filter(pl.col("target").is_not_null())
            .with_columns(position=pl.col("row").hash(1).cast(pl.Float64) / 2.0**64))
    training = data.filter(pl.col("position") < 0.8)
    mean, deviation = training["distance"].mean(), training["distance"].std(ddof=0)
    columns = [((pl.col("distance") - mean) / deviation).cast(pl.Float32)]
    for name in ("origin", "destination", "hour", "month"):
        values = training[name].unique().sort()
        columns.append(pl.col(name).replace_strict(values, pl.arange(1, len(values) + 1, eager=True), default=0, return_dtype=pl.Int64))
    data = data.select(*columns, pl.col("target"), pl.col("row").cast(pl.Int64), pl.col("position"))
    for name, low, high in (("train", 0, 0.8), ("validation", 0.8, 0.9), ("test", 0.9, 1)):
        path = folder / f"{name}.parquet"
        data.filter((pl.col("position") >= low) & (pl.col("position") < high)).drop("position").write_parquet(path)
        with open(path, "rb") as file:
            os.fsync(file.fileno())
    print(time.perf_counter() - start)


if __name__ == "__main__":
    main()
