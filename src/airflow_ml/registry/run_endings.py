"""The two ways in which a step's run comes to its results: it computed them, or it takes those of another run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from airflow_ml.exceptions import UserErrorException
from airflow_ml.graph.model import Json
from airflow_ml.registry.batch_adoption import insert_adoptions
from airflow_ml.registry.database import Repository
from airflow_ml.registry.fingerprint_leases import settle_lease
from airflow_ml.registry.records import (
    FINAL_STATUSES,
    ArtifactRecord,
    DatasetRegistration,
    OutputRecord,
    RunInputRecord,
    RunOptions,
    RunRecord,
)
from airflow_ml.registry.result_queries import put_result
from airflow_ml.registry.reuse_records import Adoption, FingerprintLease, NewResult
from airflow_ml.registry.run_adoption import insert_adopted, present_attempt, require_result, take_results
from airflow_ml.registry.run_creation import check_status
from airflow_ml.registry.run_results import put_artifacts, put_inputs, put_outputs, register_outputs
from airflow_ml.registry.run_rows import make_run_records, require_open_run, require_run
from airflow_ml.registry.run_states import apply_status

if TYPE_CHECKING:
    from typing_extensions import Unpack

__all__ = ["RunEndings"]


class RunEndings(Repository):
    """What `Runs` has for the moment in which results become visible."""

    def finish_step(
        self,
        run_id: str,
        *,
        status: str,
        outputs: Iterable[OutputRecord] = (),
        artifacts: Iterable[ArtifactRecord] = (),
        registrations: Iterable[DatasetRegistration] = (),
        error: Mapping[str, Json] | None = None,
        ended_at: datetime | None = None,
        result: NewResult | None = None,
        lease: FingerprintLease | None = None,
    ) -> RunRecord:
        """
        End a run: its outputs, files, registered datasets and final status are seen by others all at once.

        Args:
            run_id: the run.
            status: Completed, Failed or Canceled.
            outputs: what was committed.
            artifacts: files that were uploaded.
            registrations: datasets that outputs become; the version is written into the output's record. A
                definition that is the name's latest version already makes no new one.
            error: what went wrong.
            ended_at: now, unless given.
            result: offers the outputs to later runs; of completed runs alone.
            lease: given back in the same moment; one that has expired is good as long as nobody took it.

        Raises:
            RunStateError: the run is final already; nothing was changed.
            LeaseLostError: another run has the lease now; nothing was changed.
            UserErrorException: the status is not a final one, the result is of a run that did not complete, or a
                registration is of an output that is not there.
        """
        if check_status(status) not in FINAL_STATUSES:
            raise UserErrorException(
                f"run {run_id!r}: status {status!r} ends no run, expected one of {sorted(FINAL_STATUSES)!r}"
            )
        if result is not None and status != "Completed":
            raise UserErrorException(f"run {run_id!r}: it is {status}, and only completed runs have results to reuse")
        with self._database.write() as session:
            row = require_open_run(session, self._scope, run_id, f"ending it as {status}")
            if lease is not None:
                settle_lease(session, self._scope, lease)
            put_outputs(session, self._scope, row, outputs)
            put_artifacts(session, self._scope, row, artifacts)
            register_outputs(session, self._scope, row, registrations)
            if result is not None:
                put_result(session, self._scope, row, result)
            apply_status(row, status, error=error, started_at=None, ended_at=ended_at)
            return make_run_records(session, [row])[0]

    def adopt(
        self,
        pipeline_id: str,
        source_run_id: str,
        *,
        name: str,
        inputs: Iterable[RunInputRecord] = (),
        registrations: Iterable[DatasetRegistration] = (),
        pipeline_outputs: Mapping[str, str | None] | None = None,
        only_first: bool = True,
        **options: Unpack[RunOptions],
    ) -> RunRecord | None:
        """
        Record a step run that takes the results of another one: its outputs, metrics and files.

        Paths stay those of the original (v1), and the property `azureml.reusedrunid` names it.

        Args:
            pipeline_id: the pipeline run that the new step run belongs to.
            source_run_id: the completed step run that computed the results, never one that took them itself.
            name: of the step.
            inputs: what the step would have consumed; the run that they name is replaced by the new one.
            registrations: as in `finish_step`.
            pipeline_outputs: names of pipeline outputs by output, where they are not those of the original.
            only_first: return None if the node has an attempt of any kind in this pipeline run. Otherwise the run
                gets the node's next attempt, unless one has completed: that one is returned.
            options: `node_id` above all; the status is Completed unless given.

        Raises:
            RunNotFoundError: one of the two runs is not there.
            ResultGoneError: the original did not complete, took its results from another run, or its results were
                invalidated or collected.
        """
        with self._database.write() as session:
            # Held until the end, so that of two who adopt at once one finds the other's record.
            pipeline = require_run(session, self._scope, pipeline_id, lock=True)
            source = require_result(session, self._scope, source_run_id)
            present = present_attempt(session, pipeline, options.get("node_id"))
            if present is not None and (only_first or present.status == "Completed"):
                return None if only_first else make_run_records(session, [present])[0]
            row = insert_adopted(session, self._scope, pipeline, source, name, options)
            take_results(session, source, row, pipeline_outputs or {})
            put_inputs(session, self._scope, row, [replace(consumed, run_id=row.id) for consumed in inputs])
            register_outputs(session, self._scope, row, registrations)
            return make_run_records(session, [row])[0]

    def adopt_all(self, pipeline_id: str, adoptions: Sequence[Adoption]) -> Mapping[str, RunRecord]:
        """
        Record many steps of a pipeline run that take the results of others, all or none, and return their runs by id.

        Left out are steps that have an attempt of any kind, results that cannot be taken any more, and what would
        consume the run of one that is left out.

        Raises:
            RunNotFoundError: the pipeline run is not there.
        """
        with self._database.write() as session:
            pipeline = require_run(session, self._scope, pipeline_id, lock=True)
            rows = insert_adoptions(session, self._scope, pipeline, adoptions)
            return {record.id: record for record in make_run_records(session, rows)}
