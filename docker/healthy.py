"""
Exit with 0 if a part of Airflow is healthy: `healthy.py scheduler`, or `healthy.py worker` for this machine's.

The other parts write their heartbeat into the database, which the API server reads: asking that costs next to nothing,
while Airflow's own commands take seconds of a core each time. A worker is asked over the broker.
"""

import json
import os
import socket
import sys
import urllib.request

ADDRESS = "http://api-server:8080/api/v2/monitor/health"


def is_healthy(part: str) -> bool:
    """Ask after a part; the API server's own name means that it answers."""
    if part == "worker":
        return answers(f"celery@{socket.gethostname()}")
    with urllib.request.urlopen(ADDRESS, timeout=5) as answer:
        health = json.load(answer)
    return part == "api-server" or health[part]["status"] == "healthy"


def answers(worker: str) -> bool:
    """Ask a worker over the broker, without an import of Airflow."""
    from celery import Celery

    app = Celery(broker=os.environ["AIRFLOW__CELERY__BROKER_URL"])
    return bool(app.control.ping(destination=[worker], timeout=5))


if __name__ == "__main__":
    sys.exit(0 if is_healthy(sys.argv[1]) else 1)
