"""The trigger that looks for new files: what it tells, how often, and that a failed look does not end it."""

from __future__ import annotations

import asyncio
import importlib
from pathlib import Path
from typing import Any

import pytest

from airflow_ml.core import Workspace
from airflow_ml.operators import new_files_trigger
from airflow_ml.operators.new_files_trigger import NewFilesTrigger, Pacing
from airflow_ml.registry import ScheduleContent, Watch


def test_the_same_news_is_told_ever_more_seldom() -> None:
    """At once, and again after 1, 2 and 4 looks; other news is told at once, and none never."""
    pacing = Pacing()
    told = [pacing.is_due(["a"]) for _ in range(12)]

    assert told == [True, True, False, True, False, False, False, True, False, False, False, True]
    assert pacing.is_due(["a", "b"])
    assert not pacing.is_due([])
    assert pacing.is_due(["a"])


@pytest.fixture
def trigger(home: Path) -> NewFilesTrigger:
    """A trigger of a schedule that watches a folder every seven minutes."""
    registry = Workspace.create("w", show_output=False).registry()
    content = ScheduleContent("s", "e", pipeline_id="p", watch=Watch("workspaceblobstore", "in", 7))
    return NewFilesTrigger("w", None, registry.schedules.create(content, dag_prefix="s").id)


def events(trigger: NewFilesTrigger, looks: int, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Let a trigger look so often, and return what it has told and waited."""
    found: list[Any] = []

    async def sleep(seconds: float) -> None:
        found.append(seconds)
        if len([item for item in found if isinstance(item, float)]) == looks:
            raise TimeoutError

    async def listen() -> None:
        nonlocal found
        async for event in trigger.run():
            found += [event.payload]

    monkeypatch.setattr(new_files_trigger.asyncio, "sleep", sleep)
    with pytest.raises(TimeoutError):
        asyncio.run(listen())
    return found


def test_airflow_makes_it_again(trigger: NewFilesTrigger) -> None:
    """It is kept as names alone: no secret, and nothing that an update of the schedule changes."""
    path, arguments = trigger.serialize()
    module, _, name = path.rpartition(".")

    again = getattr(importlib.import_module(module), name)(**arguments)
    assert again.serialize() == (path, arguments)
    assert arguments == {"workspace": "w", "registry_url": None, "schedule_id": trigger.schedule_id}


def test_it_tells_of_new_files(trigger: NewFilesTrigger, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each look is as far from the next as the schedule says; what it tells is how many files are new."""
    assert events(trigger, 1, monkeypatch) == [420.0]
    folder = home / "w" / "stores" / "workspaceblobstore" / "in"
    folder.mkdir(parents=True)
    (folder / "a.csv").write_text("a")

    assert events(trigger, 2, monkeypatch) == [{"schedule_id": trigger.schedule_id, "new_files": 1}, 420.0] * 2


def test_a_failed_look_ends_nothing(trigger: NewFilesTrigger, monkeypatch: pytest.MonkeyPatch) -> None:
    """A store or database that does not answer is asked again."""
    answers = iter([OSError("no answer"), ([1, 2], 5.0), OSError("again"), ([1, 2, 3], 5.0)])

    def look() -> Any:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(trigger, "_look", look)
    told = [item["new_files"] for item in events(trigger, 4, monkeypatch) if isinstance(item, dict)]

    assert told == [2, 3]
