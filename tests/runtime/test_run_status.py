"""v1's class of status words."""

from airflow_ml.runtime.run_status import RunStatus


def test_every_status_is_running_or_ending_or_over() -> None:
    """The lists are v1's: what runs, what is being ended, and three ends."""
    running, ending = RunStatus.get_running_statuses(), RunStatus.get_post_processing_statuses()
    over = [RunStatus.CANCELED, RunStatus.COMPLETED, RunStatus.FAILED]

    assert sorted([*running, *ending, *over]) == sorted(RunStatus.list())
    assert RunStatus.NOT_STARTED in RunStatus.get_running_statuses()
