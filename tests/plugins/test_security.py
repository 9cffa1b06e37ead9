"""What all routes of the plugin have in common: who is let in, and what names and bodies from outside can do."""

import json
import re
from collections.abc import Iterator

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airflow_ml.graph import Graph, Parameter, Step, WorkspaceRef, to_json
from airflow_ml.registry import EndpointRecord, Registry
from airflow_ml.translation.rest_description import description
from airflow_ml.translation.rest_paths import DESCRIPTION_PATH, ENDPOINT_NAME_PATH, endpoint_path, submit_path

pytestmark = pytest.mark.airflow

#: Names that try to be markup, a query, or another place.
ODD = [
    "<script>alert(1)</script>",
    "' OR 1=1 --",
    "..",
    "%2e%2e",
    "....//",
    "a\x00b",
    "\ud7ff",
    "{{ 7*7 }}",
    "x" * 3000,
]

JSON = {"Content-Type": "application/json"}

KINDS = ("string", "integer", "number", "boolean", "datapath", "dataset")
DEFAULTS = ("x", 1, 0.5, True, "datastore://workspaceblobstore/p", None)


def routes() -> list[tuple[str, str]]:
    """Return method and path of all routes; files of the package that need no login are no route."""
    from airflow_ml.plugins.api import app

    found = [(method, route.path) for route in app.routes for method in getattr(route, "methods", None) or ()]
    assert len(found) > 5
    return found


def ask(client: object, method: str, path: str, **arguments: object) -> object:
    """Send a request with a body that says nothing."""
    body = {"content": b"{}", "headers": JSON} if method == "POST" else {}
    return client.request(method, f"/airflow-ml{path}", **{**body, **arguments})


def filled(path: str, name: str = "x") -> str:
    """Return a path with a name in each of its places."""
    return re.sub(r"\{[^}]+\}", name, path)


@pytest.fixture
def served(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> Registry:
    """Let a DAG bundle of this Airflow have the workspace."""
    path = "airflow_ml.translation.bundle.WorkspaceBundle"
    bundle = {"name": "team", "classpath": path, "kwargs": {"workspace": "team"}}
    monkeypatch.setenv("AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST", json.dumps([bundle]))
    return registry


@pytest.fixture
def endpoint(served: Registry) -> EndpointRecord:
    """Publish a pipeline with a parameter of each kind, behind an endpoint."""
    parameters = tuple(Parameter(kind, kind, default) for kind, default in zip(KINDS, DEFAULTS, strict=True))
    graph = Graph("p", WorkspaceRef("team"), (Step("s", "s", "k"),), parameters=parameters)
    published = served.published_pipelines.add("p", graph_json=to_json(graph), steps=1)
    return served.pipeline_endpoints.create("e", pipeline_id=published.id)


@pytest.fixture
def nobody(server: tuple) -> object:
    """Give a client of a user who has no rights at all."""
    from airflow.api_fastapi.app import get_auth_manager
    from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser
    from fastapi.testclient import TestClient

    token = get_auth_manager().generate_jwt(SimpleAuthManagerUser(username="eve", role=None, teams=None))
    return TestClient(server[0], headers={"Authorization": f"Bearer {token}"}, follow_redirects=False)


def test_every_route_refuses_strangers(stranger: object) -> None:
    """401 without a token; Airflow says 403 to what is none, in the header as in the cookie."""
    for method, path in routes():
        assert ask(stranger, method, filled(path)).status_code == 401, (method, path)
        for header in ({"Authorization": "Bearer x"}, {"Cookie": "_token=x"}):
            assert ask(stranger, method, filled(path), headers=header).status_code in (401, 403), (method, path)


def test_every_route_refuses_users_without_rights(nobody: object, endpoint: EndpointRecord) -> None:
    """403, whether the thing is there or not, and without a word of what there is."""
    for method, path in routes():
        for name in ("x", "team", endpoint.id):
            answer = ask(nobody, method, filled(path, name))
            assert answer.status_code == 403, (method, path)
            assert "parameter" not in answer.text


def test_a_viewer_changes_nothing(client: object, endpoint: EndpointRecord, served: Registry) -> None:
    """Whoever may only look is refused by everything that is no GET, and learns nothing of what a body may hold."""
    ref = WorkspaceRef("team")
    paths = [endpoint_path(ref, endpoint.id), submit_path(ref, endpoint.versions["0"])]
    paths += [path.replace("{workspace}", "team") for method, path in routes() if method != "GET" and "dags" in path]

    for path in paths:
        for body in (b"{}", b'{"ExperimentName": "e"}', b'{"ExperimentName": "e", "ParameterAssignments": {"a": 1}}'):
            assert ask(client, "POST", filled(path), content=body).status_code == 403, path
    assert served.runs.list() == []


def test_no_token_is_taken_from_an_address(stranger: object, server: tuple) -> None:
    """Addresses are written into logs."""
    for method, path in routes():
        for name in ("token", "access_token", "_token", "jwt"):
            assert ask(stranger, method, filled(path), params={name: server[2]}).status_code == 401


def test_a_cookie_alone_changes_nothing(server: tuple, stranger: object, endpoint: EndpointRecord) -> None:
    """What another site's form can send along with somebody's cookie is refused, whatever it asks for."""
    forms = ("application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/plain", "")
    for method, path in routes():
        assert method in ("GET", "HEAD", "POST"), "a new method: see that it cannot be sent by another site"
        for kind in forms if method == "POST" else ():
            headers = {"Cookie": f"_token={server[2]}", "Content-Type": kind}
            answer = ask(stranger, method, filled(path, "team"), headers=headers)
            assert answer.status_code == 415, (path, kind)


@pytest.mark.parametrize("name", ODD)
def test_names_from_outside_are_but_names(admin: object, endpoint: EndpointRecord, name: str) -> None:
    """They are not found, or refused; what comes back is escaped, and nothing of the machine is in it."""
    from urllib.parse import quote

    for method, path in routes():
        for answer in (
            ask(admin, method, filled(path, quote(name, safe=""))),
            ask(admin, method, filled(path, "team"), params={"name": name, "path": name, "format": "html"}),
            ask(
                admin, method, filled(path, "team"), headers={"Accept": "text/html", "Content-Type": "application/json"}
            ),
        ):
            assert answer.status_code < 500 or answer.status_code in (501, 503), (method, path, answer.text)
            assert "<script>alert" not in answer.text or answer.headers["content-type"] == "application/json"
            assert "Traceback" not in answer.text
            assert "registry.db" not in answer.text


def test_the_description_is_what_the_routes_are(client: object) -> None:
    """Each route has its place in it, with the names of its path, and what it refers to is there."""
    document = client.get(f"/airflow-ml{DESCRIPTION_PATH}").json()
    described = {(method.upper(), path) for path, methods in document["paths"].items() for method in methods}

    assert described == {route for route in routes() if "/pipelines/v1.0/" in route[1]}
    assert document["servers"] == [{"url": "/airflow-ml"}]
    for path, methods in document["paths"].items():
        named = [one["name"] for one in methods.get("post", {}).get("parameters", ()) if one["in"] == "path"]
        assert named == re.findall(r"\{(\w+)\}", path)
    for reference in re.findall(r'"\$ref": "#/components/schemas/(\w+)"', json.dumps(document)):
        jsonschema.Draft202012Validator.check_schema(document["components"]["schemas"][reference])


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.sampled_from(ODD),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
FIELDS = sorted(description("")["components"]["schemas"]["Run"]["properties"])
NAMED = st.dictionaries(st.sampled_from([*KINDS, "other"]), VALUES, max_size=3)
BODIES = st.one_of(
    st.binary(max_size=40),
    VALUES.map(lambda value: json.dumps(value).encode()),
    st.fixed_dictionaries(
        {}, optional={field: NAMED if field.endswith(("Assignments", "gs", "ies")) else VALUES for field in FIELDS}
    ).map(lambda body: json.dumps({"ExperimentName": "e/e", **body}).encode()),
)


@pytest.fixture
def paths(endpoint: EndpointRecord) -> Iterator[list[str]]:
    """Return a path for each of the addresses that start runs."""
    ref = WorkspaceRef("team")
    by_id = endpoint_path(ref, endpoint.id)
    by_name = ENDPOINT_NAME_PATH.replace("{workspace}", "team")
    return [submit_path(ref, endpoint.versions["0"]), by_id, f"{by_id}/0", f"{filled(by_name)}?name=e"]


@settings(
    deadline=None, derandomize=True, max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(number=st.integers(0, 3), body=BODIES)
def test_odd_bodies_are_answered_as_described(admin: object, paths: list[str], number: int, body: bytes) -> None:
    """Whatever is sent, the answer is one of those that the description has, and JSON of its form."""
    document = description("")
    answer = ask(admin, "POST", paths[number], content=body)

    responses = document["paths"][[*document["paths"]][number]]["post"]["responses"]
    assert str(answer.status_code) in responses
    reference = responses[str(answer.status_code)]["content"]["application/json"]["schema"]["$ref"]
    jsonschema.validate(answer.json(), document["components"]["schemas"][reference.rpartition("/")[2]])
