"""The middleware that writes XComs of many tasks: what it lets pass, and what happens where it fails."""

import asyncio

import pytest

from airflow_ml.translation.pipeline_ref import ANNOUNCEMENT_KEY

pytestmark = [pytest.mark.airflow, pytest.mark.usefixtures("airflow_database")]

HERE = "/execution/xcoms/dag/run/check"


def ask(method: str, path: str, status: int = 201) -> list[dict]:
    """Send a request through the middleware to an application that answers with a status; return what comes back."""
    from airflow_ml.plugins.announcements import AnnouncementMiddleware

    answered: list[dict] = []

    async def application(scope, receive, send):
        await send({"type": "http.response.start", "status": status})
        await send({"type": "http.response.body", "body": b"{}"})

    async def send(message):
        answered.append(message)

    scope = {"type": "http", "method": method, "path": path}
    asyncio.run(AnnouncementMiddleware(application)(scope, None, send))
    return answered


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", f"{HERE}/{ANNOUNCEMENT_KEY}", 200),
        ("POST", f"{HERE}/return_value", 201),
        ("POST", f"/airflow-ml/{ANNOUNCEMENT_KEY}", 201),
        ("POST", f"{HERE}/more/{ANNOUNCEMENT_KEY}", 201),
        ("POST", f"{HERE}/{ANNOUNCEMENT_KEY}", 403),
    ],
)
def test_other_requests_pass(monkeypatch, method, path, status):
    """What is no accepted list of XComs reaches Airflow and its caller unchanged, and nothing is written."""
    from airflow_ml.plugins import announcements

    written = []
    monkeypatch.setattr(announcements, "write_announced", written.append)

    start, body = ask(method, path, status)

    assert (start["status"], body["body"], written) == (status, b"{}", [])


def test_a_list_that_cannot_be_written_leaves_the_answer_as_it_is(caplog):
    """The task is answered as Airflow has; it looks whether the XComs are there, and writes them itself otherwise."""
    start, body = ask("POST", f"/below{HERE}/{ANNOUNCEMENT_KEY}")

    assert (start["status"], body["body"]) == (201, b"{}")
    assert "it writes them itself" in caplog.text
