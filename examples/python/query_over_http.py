"""Queries a finished job's Parquet file on a server, which is asked for the columns that are needed only.

COUNTENANCE_URL=http://127.0.0.1:8787 COUNTENANCE_KEY=... python3 query_over_http.py <job>
"""

import os
import sys

try:
    import duckdb
except ImportError:
    print("duckdb: skipped, not installed")
    sys.exit(0)

url = os.environ.get("COUNTENANCE_URL", "http://127.0.0.1:8787")
key = os.environ["COUNTENANCE_KEY"].replace("'", "''")
try:
    duckdb.sql("INSTALL httpfs; LOAD httpfs")
except duckdb.Error as error:
    print(f"duckdb: skipped, its httpfs extension cannot be had: {error}")
    sys.exit(0)
duckdb.sql(f"CREATE SECRET (TYPE http, BEARER_TOKEN '{key}')")
print(
    duckdb.sql(
        f"""SELECT label, count(*) AS faces, avg(margin) AS margin
            FROM read_parquet('{url}/v1/jobs/{sys.argv[1]}/outputs/labels.parquet')
            WHERE label IS NOT NULL GROUP BY label ORDER BY faces DESC"""
    )
)
