"""The pages as a person uses them: in Chromium, in a real Airflow."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
from servers.browser import TIMEOUT, running_browser
from servers.own_airflow import OwnAirflow, wait_for

from airflow_ml.graph import WorkspaceRef
from airflow_ml.registry import MetricPoint, Registry
from airflow_ml.registry.values import utc_now
from airflow_ml.translation.dag_sources import note_workspace

if TYPE_CHECKING:
    from playwright.sync_api import Browser, FrameLocator, Page

pytestmark = [pytest.mark.service, pytest.mark.browser, pytest.mark.timeout(600)]

TEAM = "/airflow-ml/workspaces/team"


@pytest.fixture(scope="module")
def browser() -> Iterator["Browser"]:
    """Start Chromium."""
    with running_browser() as browser:
        yield browser


@pytest.fixture(scope="module")
def page(browser: "Browser", own_airflow: OwnAirflow) -> Iterator["Page"]:
    """Log in as a person does; the window is this module's."""
    context = browser.new_context(viewport={"width": 1400, "height": 900}, base_url=own_airflow.address)
    context.set_default_timeout(TIMEOUT)
    page = context.new_page()
    page.goto("/")
    page.locator("input[name=username]").fill("admin")
    page.locator("input[name=password]").fill(own_airflow.password)
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: "login" not in url)
    page.get_by_role("link", name="Dags").first.wait_for()
    yield page
    context.close()


@pytest.fixture(scope="module")
def registry(own_airflow: OwnAirflow) -> Iterator[Registry]:
    """Give the workspace of the DAGs, with data for them."""
    with own_airflow.open_registry("team") as registry:
        for name in ("raw", "other"):
            folder = registry.home.store("workspaceblobstore") / name
            folder.mkdir(parents=True)
            (folder / f"{name}.txt").write_text(name)
        yield registry


@pytest.fixture(scope="module")
def run_id(page: "Page", own_airflow: OwnAirflow, registry: Registry) -> str:
    """Trigger DAG `knobs` through its form with values of all kinds, wait, and return the id of Airflow's run."""
    wait_for(lambda: own_airflow.client.get("/api/v2/dags/knobs").status_code == 200)
    page.goto("/dags/knobs")
    page.get_by_role("button", name="Trigger").first.click()
    form = page.get_by_role("dialog")
    form.locator("[name=element_count]").fill("7")
    form.locator("[name=element_rate]").fill("0.25")
    form.locator("[name=element_flag]").evaluate("box => box.click()")
    form.locator("[name=element_text]").fill("007 zażółć")
    form.locator("[name=element_empty]").fill("")
    form.locator('input[value="datastore://workspaceblobstore/raw"]').fill("datastore://workspaceblobstore/other")
    form.get_by_role("button", name="Trigger", exact=True).click()
    page.wait_for_url("**/dags/knobs/runs/**")
    runs = own_airflow.client.get("/api/v2/dags/knobs/dagRuns").json()["dag_runs"]
    place = f"/api/v2/dags/knobs/dagRuns/{runs[0]['dag_run_id']}"
    wait_for(lambda: own_airflow.client.get(place).json()["state"] in ("success", "failed"))
    return runs[0]["dag_run_id"]


def frame_of(page: "Page") -> "FrameLocator":
    """Return our page inside Airflow's."""
    return page.frame_locator("iframe")


def test_the_trigger_form_gives_values_of_all_kinds(registry: Registry, run_id: str) -> None:
    """What is typed into Airflow's form is what the run has, in its own type, and what the script gets."""
    (run,) = registry.listings.pipeline_runs("knobs", dag_run_id=run_id)

    given = {"count": 7, "rate": 0.25, "flag": False, "text": "007 zażółć"}
    parameters = run.details["parameters"]
    assert {name: parameters[name] for name in given} == given
    assert parameters["empty"] in ("", None)
    assert parameters["place"] == "datastore://workspaceblobstore/other"
    assert run.status == "Completed"


def test_the_tab_of_a_run_shows_its_steps(page: "Page", run_id: str) -> None:
    """The graph's steps lead to their pages, by keyboard too."""
    page.goto(f"/dags/knobs/runs/{quote(run_id)}")
    page.get_by_role("link", name="Pipeline", exact=True).click()
    step = frame_of(page).get_by_role("link", name="step train it, Completed")

    step.focus()
    page.keyboard.press("Enter")

    frame_of(page).get_by_role("heading", name=re.compile("^train it")).wait_for()


def test_the_tab_of_a_task_shows_chart_log_and_files(page: "Page", run_id: str) -> None:
    """A link to Airflow's own page changes the whole window, not the frame."""
    page.goto(f"/dags/knobs/runs/{quote(run_id)}/tasks/train_it")
    page.get_by_role("link", name="Step", exact=True).click()
    frame = frame_of(page)

    frame.locator(".chart canvas").wait_for()
    assert "007 zażółć" in frame.locator(".tail").inner_text()
    assert "['other.txt']" in frame.locator(".tail").inner_text()
    frame.get_by_role("link", name="model", exact=True).click()
    with page.expect_download() as download:
        frame.get_by_role("link", name="weights.txt").click()
    assert download.value.path().read_text() == "w"

    page.goto(f"/dags/knobs/runs/{quote(run_id)}/tasks/train_it")
    page.get_by_role("link", name="Step", exact=True).click()
    frame.locator("dd a[data-airflow]").click()
    page.locator("iframe").wait_for(state="detached")
    assert "/tasks/train_it" in page.url


def test_the_menu_leads_to_all_pages(page: "Page", run_id: str) -> None:
    """Pipelines stand in Airflow's bar; from there everything is a click, or a key, away."""
    page.goto("/")
    page.get_by_role("link", name="Pipelines", exact=True).click()
    frame = frame_of(page)
    frame.get_by_role("link", name="knobs", exact=True).first.wait_for()
    assert frame.locator("td", has_text="100 %").count() == 1

    for topic in ("Runs", "Datasets", "Compute"):
        frame.get_by_role("link", name=topic, exact=True).focus()
        page.keyboard.press("Enter")
        frame.get_by_role("heading", name=re.compile(f"^{topic}")).wait_for()


def test_pages_take_over_airflows_colours(page: "Page", registry: Registry) -> None:
    """Dark and light are Airflow's choice, also when it is changed while a page is open."""
    page.goto("/plugin/airflow-ml-runs")
    frame = frame_of(page)
    frame.get_by_role("heading", name="Runs", exact=True).wait_for()
    colours = {}
    for theme in ("dark", "light"):
        page.evaluate(f"document.documentElement.className = '{theme}'")
        frame.locator(f"html[data-theme={theme}]").wait_for(state="attached")
        colours[theme] = frame.locator("body").evaluate("body => getComputedStyle(body).backgroundColor")

    assert colours == {"dark": "rgb(22, 29, 43)", "light": "rgb(255, 255, 255)"}


def test_a_page_follows_its_run(page: "Page", registry: Registry) -> None:
    """What happens is shown without a reload, and what has the keyboard keeps it."""
    run = registry.runs.create("live", "script", kind="script", status="Running")
    page.goto(f"{TEAM}/runs/{run.id}")
    page.get_by_role("heading", name="script Running").wait_for()
    page.get_by_role("link", name="live", exact=True).focus()

    registry.metrics.append([MetricPoint(run.id, "loss", "scalar", 1.0 / n, utc_now()) for n in (1, 2)])
    page.locator(".chart canvas").wait_for()
    registry.runs.set_status(run.id, "Completed")

    page.get_by_role("heading", name="script Completed").wait_for()
    page.locator("main:not([data-live])").wait_for()


def test_runs_are_compared_by_ticking_them(page: "Page", registry: Registry) -> None:
    """The keyboard alone does it."""
    for number in range(2):
        run = registry.runs.create("compared", f"try {number}", kind="script", tags={"number": str(number)})
        points = [MetricPoint(run.id, "loss", "scalar", number + 1.0 / n, utc_now()) for n in (1, 2, 3)]
        registry.metrics.append(points)
        registry.runs.set_status(run.id, "Completed")
    page.goto(f"{TEAM}/runs?experiment=compared")
    for box in page.locator("input[name=runs]").all():
        box.focus()
        page.keyboard.press("Space")
    page.get_by_role("button", name="Compare 2 runs").focus()
    page.keyboard.press("Enter")

    page.get_by_role("heading", name="Compare", exact=True).wait_for()
    page.locator(".chart canvas").wait_for()
    assert page.locator("tr.differs", has_text="number").count() == 1


def test_a_preview_is_made_when_somebody_wants_it(page: "Page", own_airflow: OwnAirflow, registry: Registry) -> None:
    """The button starts a run, a worker reads the data, and the page that is open shows the rows."""
    note_workspace(own_airflow.home.airflow / "workspaces", WorkspaceRef("team"))
    (registry.home.store("workspaceblobstore") / "table.csv").write_text("colour,size\nblue,1\n")
    sources = [{"datastore": "workspaceblobstore", "path": "table.csv"}]
    parse = {"format": "delimited", "infer_column_types": False}
    registry.datasets.register("table", {"kind": "tabular", "sources": sources, "parse": parse})
    page.goto(f"{TEAM}/datasets/table")

    page.get_by_role("button", name="Make").click()

    page.get_by_role("cell", name="blue").wait_for()


def test_no_page_breaks_its_own_rules(page: "Page", registry: Registry) -> None:
    """Nothing on the pages is refused by the policy that they are sent with, and no script fails."""
    troubles: list[str] = []
    page.on("console", lambda message: troubles.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: troubles.append(str(error)))

    for path in ("pipelines", "runs", "datasets", "compute", "compare", "dags/knobs"):
        page.goto(f"{TEAM}/{path}")
        page.get_by_role("heading").first.wait_for()

    assert troubles == []
