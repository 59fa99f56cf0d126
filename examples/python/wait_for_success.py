"""Waits for a job's _SUCCESS, as a sensor of Airflow does: each poke asks once, and the last object of a job is written last.

COUNTENANCE_URL=http://127.0.0.1:8787 COUNTENANCE_KEY=... python3 wait_for_success.py <job>
In Airflow: PythonSensor(task_id="labels", python_callable=poke, op_args=[job], poke_interval=60, mode="reschedule")
"""

import json
import os
import sys
import time
import urllib.error
import urllib.request

URL = os.environ.get("COUNTENANCE_URL", "http://127.0.0.1:8787")
ENDED_BADLY = {"failed", "cancelled", "expired"}


def ask(path):
    request = urllib.request.Request(URL + path, headers={"authorization": f"Bearer {os.environ['COUNTENANCE_KEY']}"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return answer.read()


def poke(job):
    """True once every output is there. Raises where it never will be."""
    try:
        ask(f"/v1/jobs/{job}/outputs/_SUCCESS")
        return True
    except urllib.error.HTTPError as error:
        if error.code != 404:
            raise
    status = json.loads(ask(f"/v1/jobs/{job}"))["status"]
    if status in ENDED_BADLY:
        raise RuntimeError(f"job {job} is {status}")
    return False


if __name__ == "__main__":
    while not poke(sys.argv[1]):
        time.sleep(1)
    print("_SUCCESS")
