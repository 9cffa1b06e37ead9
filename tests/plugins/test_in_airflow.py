"""The plugin in a real Airflow."""

import httpx
import pytest
from servers.own_airflow import OwnAirflow, wait_for

pytestmark = [pytest.mark.service, pytest.mark.timeout(300)]


def test_a_task_finds_its_pool_and_links_to_its_run(own_airflow: OwnAirflow) -> None:
    """A task of a pool that nobody made runs, and the link of its task instance opens the page of its run."""
    airflow = own_airflow.client
    wait_for(lambda: airflow.get("/api/v2/dags/pooled").status_code == 200)
    run = airflow.post("/api/v2/dags/pooled/dagRuns", json={"logical_date": None}).json()["dag_run_id"]
    place = f"/api/v2/dags/pooled/dagRuns/{run}/taskInstances/train"

    wait_for(lambda: airflow.get(place).json()["state"] == "success")

    assert airflow.get("/api/v2/pools/gpu-cluster").json()["slots"] == 4
    link = airflow.get(f"{place}/links").json()["extra_links"]["Run in workspace"]
    assert airflow.get(link, params={"format": "json"}).json()["name"] == "train"
    assert httpx.get(str(airflow.base_url.join(link))).status_code == 401
