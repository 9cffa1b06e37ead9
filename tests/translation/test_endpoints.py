"""Where runs are started by REST, and by whose token: of the Airflow that is configured, without asking it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from airflow_ml._service_addresses import note_address
from airflow_ml.core import Workspace
from airflow_ml.core.authentication import (
    InteractiveLoginAuthentication,
    ServicePrincipalAuthentication,
    TokenAuthentication,
)
from airflow_ml.exceptions import UserErrorException
from airflow_ml.translation.endpoints import address_of_description, address_of_endpoint, endpoint_of

LOGINS = [
    InteractiveLoginAuthentication(),
    ServicePrincipalAuthentication("tenant", "id", "password"),
    TokenAuthentication(lambda _audience: "never asked"),
]


@pytest.fixture
def workspace(home: object) -> Workspace:
    """Name a workspace whose names hold what official notebooks cut addresses at."""
    return Workspace("Id", "grIdd", "my Id")


@pytest.fixture
def noted(workspace: Workspace) -> Iterator[None]:
    """Let the workspace's configuration file name an Airflow."""
    note_address(workspace.ref, "https://noted.example.org")
    yield
    note_address(workspace.ref, None)


def test_addresses_are_those_of_the_configured_airflow(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """`Id` stands once in an endpoint's address, whatever names are in it (official notebook)."""
    monkeypatch.setenv("AIRFLOW_ML_AIRFLOW_URL", "https://airflow.example.org/")

    address = address_of_endpoint(workspace.ref, "1-2")

    base = "https://airflow.example.org/airflow-ml/pipelines/v1.0/"
    assert endpoint_of(workspace.ref, "1-2").startswith(f"{base}subscriptions/%49d/resourceGroups/gr%49dd/")
    assert address.split("Id", 1) == [
        f"{base}subscriptions/%49d/resourceGroups/gr%49dd/providers/Microsoft.MachineLearningServices/workspaces/"
        "my%20%49d/PipelineRuns/PipelineEndpointSubmit/",
        "/1-2",
    ]
    assert address_of_description(workspace.ref) == f"{base}openapi.json"


@pytest.mark.parametrize("login", LOGINS, ids=lambda login: type(login).__name__)
def test_every_login_gives_the_configured_users_token(login: object, noted: None, monkeypatch: object) -> None:
    """v1's objects know no workspace: the configuration file that was read last says which Airflow it is."""
    monkeypatch.setenv("AIRFLOW_ML_AIRFLOW_TOKEN", "the-token")

    assert login.get_authentication_header() == {"Authorization": "Bearer the-token"}


def test_nobody_has_no_token(noted: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sentence says what to set."""
    for name in ("TOKEN", "USER", "PASSWORD"):
        monkeypatch.delenv(f"AIRFLOW_ML_AIRFLOW_{name}", raising=False)
    monkeypatch.setenv("NETRC", "/nonexistent")

    with pytest.raises(UserErrorException, match=r"noted\.example\.org: nothing says who you are; set AIRFLOW_ML_"):
        InteractiveLoginAuthentication().get_authentication_header()
