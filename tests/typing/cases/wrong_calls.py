"""Calls that cannot be right: each is an error of the type checker, or its `type: ignore` would be one. Never run."""

from airflow_ml.core import Experiment, Workspace
from airflow_ml.core.compute import AmlCompute
from airflow_ml.data import OutputFileDatasetConfig
from airflow_ml.pipeline.core import Pipeline, PipelineData, PipelineParameter, ReusePolicy, ScheduleRecurrence
from airflow_ml.pipeline.steps import CommandStep, PythonScriptStep
from airflow_ml.train.hyperdrive import randint
from airflow_ml.widgets import RunDetails

ws = Workspace.from_config()

PythonScriptStep()  # type: ignore[call-arg]  # no script
PythonScriptStep("train.py", target="cpu")  # type: ignore[call-arg]  # v1 has compute_target
PythonScriptStep("train.py", allow_reuse="no")  # type: ignore[arg-type]
PythonScriptStep("train.py", arguments="--rate")  # a text is a sequence too: refused when the step is made
PythonScriptStep("train.py", reuse_policy="content")  # type: ignore[arg-type]
CommandStep("echo", script_name="train.py")  # type: ignore[call-arg]
Pipeline(steps=[])  # type: ignore[call-arg]  # no workspace
Pipeline(ws, [], description=1)  # type: ignore[arg-type]
Pipeline(ws, []).submit("e", reuse="never")  # type: ignore[arg-type]
ReusePolicy(inputs="bytes")  # type: ignore[arg-type]
PipelineData()  # type: ignore[call-arg]  # no name
PipelineParameter("rate")  # type: ignore[call-arg]  # no default
OutputFileDatasetConfig(destination="a/path")  # type: ignore[arg-type]
AmlCompute.provisioning_configuration(max_nodes="4")  # type: ignore[arg-type]
Experiment(ws)  # type: ignore[call-arg]  # no name
ws.no_such_member  # type: ignore[attr-defined]  # noqa: B018 - the access is what is looked at
ScheduleRecurrence("Day", "1")  # type: ignore[arg-type]
randint("5")  # type: ignore[arg-type]
RunDetails("some-id")  # type: ignore[arg-type]
