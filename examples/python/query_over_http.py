"""Queries a finished job's Parquet file on a server, which is asked for the columns that are needed only.

COUNTENANCE_URL=http://127.0.0.1:8787 COUNTENANCE_KEY=... python3 query_over_http.py <job>

DuckDB reads HTTP by its extension httpfs, which it fetches from extensions.duckdb.org. Where that cannot be had, the modules fsspec and
aiohttp read for it.
"""

import os
import sys
from datetime import datetime, timezone

try:
    import duckdb
except ImportError:
    print("duckdb: skipped, not installed")
    sys.exit(0)

url = os.environ.get("COUNTENANCE_URL", "http://127.0.0.1:8787")
key = os.environ["COUNTENANCE_KEY"]


def read_by_httpfs() -> None:
    """Gives DuckDB's own reader the key."""
    duckdb.sql("INSTALL httpfs; LOAD httpfs")
    quoted = key.replace("'", "''")
    duckdb.sql(f"CREATE SECRET (TYPE http, BEARER_TOKEN '{quoted}')")


def read_by_fsspec() -> None:
    """Gives DuckDB another reader, that has the key."""
    import aiohttp  # noqa: F401
    from fsspec.implementations.http import HTTPFileSystem

    class Outputs(HTTPFileSystem):
        def modified(self, path):
            """DuckDB asks for it; the outputs of a job that has ended stay as they are."""
            return datetime.fromtimestamp(0, timezone.utc)

    duckdb.register_filesystem(Outputs(client_kwargs={"headers": {"Authorization": f"Bearer {key}"}}))


reader = "httpfs"
try:
    read_by_httpfs()
except duckdb.Error as error:
    reader = "fsspec"
    try:
        read_by_fsspec()
    except ImportError:
        print(f"duckdb: skipped, neither its extension httpfs nor fsspec and aiohttp can be had: {error}")
        sys.exit(0)
print(
    duckdb.sql(
        f"""SELECT label, count(*) AS faces, avg(margin) AS margin
            FROM read_parquet('{url}/v1/jobs/{sys.argv[1]}/outputs/labels.parquet')
            WHERE label IS NOT NULL GROUP BY label ORDER BY faces DESC"""
    )
)
print(f"read over HTTP by {reader}")
