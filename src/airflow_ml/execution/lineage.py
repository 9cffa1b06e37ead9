"""What is recorded of an input that a run consumes: an output, a dataset, or a place on a datastore."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_ml.registry import RunInputRecord

if TYPE_CHECKING:
    from airflow_ml.graph import InputPort
    from airflow_ml.registry import DatasetRecord, OutputRecord, RunRecord

__all__ = ["dataset_consumed", "output_consumed", "place_consumed"]


def output_consumed(run: RunRecord, port: InputPort, output: OutputRecord) -> RunInputRecord:
    """Return the record of an input that is another run's output."""
    return RunInputRecord(
        run_id=run.id,
        name=port.name,
        mode=port.mode,
        source="output",
        datastore=output.datastore,
        path=output.path,
        digest=output.digest,
        producer_run_id=output.run_id,
        producer_output=output.name,
    )


def dataset_consumed(run: RunRecord, port: InputPort, dataset: DatasetRecord) -> RunInputRecord:
    """Return the record of an input that is a dataset."""
    return RunInputRecord(
        run_id=run.id,
        name=port.name,
        mode=port.mode,
        source="dataset",
        dataset_id=dataset.id,
        dataset_name=dataset.name,
        dataset_version=dataset.version,
    )


def place_consumed(
    run: RunRecord, port: InputPort, datastore: str, path: str, *, mode: str | None = None
) -> RunInputRecord:
    """Return the record of an input that is a place on a datastore; `mode` stands in the place of the port's own."""
    return RunInputRecord(
        run_id=run.id,
        name=port.name,
        mode=mode or port.mode,
        source="data_reference",
        datastore=datastore,
        path=path,
    )
