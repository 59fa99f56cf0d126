"""Reads the outputs of a job in every way: python3 read_outputs.py countenance-out/<job>

A way whose module is missing says so and is left out. The folder is one of `countenance score --formats jsonl,csv,parquet`.
"""

import csv
import importlib
import json
import sys
from collections import Counter
from pathlib import Path

folder = Path(sys.argv[1])


def count(labels):
    """Counts without inputs that have no label."""
    return dict(sorted(Counter(label for label in labels if label).items()))


def with_json():
    with open(folder / "labels.jsonl", encoding="utf-8") as lines:
        return count(json.loads(line)["label"] for line in lines)


def with_csv():
    with open(folder / "labels.csv", encoding="utf-8", newline="") as rows:
        return count(row["label"] for row in csv.DictReader(rows))


def with_pandas(pandas):
    frame = pandas.read_json(folder / "labels.jsonl", lines=True)
    return count(frame["label"].dropna())


def with_pyarrow(pyarrow):
    parquet = importlib.import_module("pyarrow.parquet")
    return count(parquet.read_table(folder / "labels.parquet", columns=["label"])["label"].to_pylist())


def with_polars(polars):
    return count(polars.read_parquet(folder / "labels.parquet")["label"].to_list())


def with_duckdb(duckdb):
    rows = duckdb.sql(f"SELECT label FROM '{folder / 'labels.parquet'}'").fetchall()
    return count(label for (label,) in rows)


expected = with_json()
print("json:", expected)
ways = {"csv": with_csv}
for name, read in {"pandas": with_pandas, "pyarrow": with_pyarrow, "polars": with_polars, "duckdb": with_duckdb}.items():
    try:
        module = importlib.import_module(name)
    except ImportError:
        print(f"{name}: skipped, not installed")
        continue
    ways[name] = lambda read=read, module=module: read(module)
for name, read in ways.items():
    found = read()
    print(f"{name}: {found}")
    if found != expected:
        sys.exit(f"{name} reads other labels than json")
