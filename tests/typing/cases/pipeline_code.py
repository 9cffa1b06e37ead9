"""Code as v1's documentation has it: every line type-checks, and what it gives is known. Never run."""

from datetime import timedelta
from typing import Any, assert_type

from airflow_ml.core import (
    Dataset,
    Datastore,
    Environment,
    Experiment,
    Model,
    Run,
    RunConfiguration,
    ScriptRun,
    ScriptRunConfig,
    Workspace,
)
from airflow_ml.core.compute import AmlCompute, ComputeTarget
from airflow_ml.core.conda_dependencies import CondaDependencies
from airflow_ml.data import FileDataset, OutputFileDatasetConfig, TabularDataset
from airflow_ml.data.dataset_consumption_config import DatasetConsumptionConfig
from airflow_ml.exceptions import ComputeTargetException, UserErrorException
from airflow_ml.pipeline.core import (
    Pipeline,
    PipelineData,
    PipelineEndpoint,
    PipelineParameter,
    PipelineRun,
    PublishedPipeline,
    ReusePolicy,
    Schedule,
    ScheduleRecurrence,
    StepRun,
    StepSequence,
)
from airflow_ml.pipeline.steps import CommandStep, ParallelRunConfig, ParallelRunStep, PythonScriptStep
from airflow_ml.train.hyperdrive import BanditPolicy, RandomParameterSampling, choice, uniform
from airflow_ml.widgets import RunDetails

ws = Workspace.from_config()
assert_type(ws, Workspace)
store = ws.get_default_datastore()
store.upload_files(["./data/a.csv"], target_path="raw", overwrite=True, show_progress=True)
blob = Datastore(ws, "workspaceblobstore")

try:
    compute = ComputeTarget(workspace=ws, name="cpu-cluster")
except ComputeTargetException:
    config = AmlCompute.provisioning_configuration(vm_size="STANDARD_D2_V2", max_nodes=4)
    compute = ComputeTarget.create(ws, "cpu-cluster", config)
    compute.wait_for_completion(show_output=True)

run_config = RunConfiguration()
run_config.target = compute
run_config.environment = Environment("mine")
run_config.environment.python.conda_dependencies = CondaDependencies.create(pip_packages=["pandas"])
run_config.environment.docker.enabled = True

files = Dataset.File.from_files([(store, "raw/*.csv")])
assert_type(files, FileDataset)
table = Dataset.Tabular.from_delimited_files((store, "raw/a.csv"))
assert_type(table, TabularDataset)
raw = files.as_named_input("raw").as_mount()
assert_type(raw, DatasetConsumptionConfig)
clean = OutputFileDatasetConfig(destination=(store, "clean")).register_on_complete("clean")
model = PipelineData("model", datastore=store, output_name="trained")
rate = PipelineParameter(name="rate", default_value=0.1)

prepare = PythonScriptStep(
    script_name="prepare.py",
    name="prepare",
    arguments=["--raw", raw, "--clean", clean, "--rate", rate],
    inputs=[raw],
    compute_target=compute,
    runconfig=run_config,
    source_directory="prepare",
    allow_reuse=False,
)
train = PythonScriptStep("train.py", inputs=[model], outputs=[model], compute_target="cpu-cluster")
train.run_after(prepare)
pipeline = Pipeline(workspace=ws, steps=[prepare, [train]])
in_order = Pipeline(ws, StepSequence(steps=[prepare, train]))
assert_type(pipeline.validate(), list[str])

run = pipeline.submit("experiment", pipeline_parameters={"rate": 0.5})
assert_type(run, PipelineRun)
assert_type(run.wait_for_completion(show_output=True), str)
assert_type(run.find_step_run("train"), list[StepRun])
for step_run in run.get_steps():
    assert_type(step_run, StepRun)
    assert_type(step_run.get_metrics(), dict[str, Any])
    step_run.get_output_data("trained").download(local_path=".", show_progress=True)
RunDetails(run).show()

experiment = Experiment(ws, "experiment")
submitted = experiment.submit(pipeline, regenerate_outputs=True)
pipeline.submit("experiment", reuse="off")
ws.set_reuse_policy(ReusePolicy("content", max_age=timedelta(days=30), verify="size"))
assert_type(submitted, PipelineRun)
submitted.wait_for_completion()
assert_type(experiment.submit(ScriptRunConfig("src", "train.py")), ScriptRun)
Model.register(ws, model_path="outputs/model.pkl", model_name="digits", tags={"kind": "demo"})

here = Run.get_context()
here.log("accuracy", 0.9)

try:
    shout = CommandStep("echo hi", name="shout", compute_target=compute)
    parallel = ParallelRunConfig(Environment("mine"), "score.py", 10, "append_row", compute, node_count=2)
    score = ParallelRunStep("score", parallel, inputs=[raw], output=model)
    more = Pipeline(ws, [shout, score])
    published = PublishedPipeline.get(ws, id="some-id")
    assert_type(published, PublishedPipeline)
    assert_type(published.submit(ws, "experiment"), PipelineRun)
    endpoint = PipelineEndpoint.publish(ws, "endpoint", "description", published)
    assert_type(endpoint.list_pipelines(), list[PublishedPipeline])
    recurrence = ScheduleRecurrence(frequency="Day", interval=1, time_of_day="8:00")
    schedule = Schedule.create(ws, "nightly", published.id, "experiment", recurrence=recurrence)
    assert_type(schedule, Schedule)
except UserErrorException:
    pass

space = RandomParameterSampling({"rate": uniform(0, 1), "depth": choice(2, 4)})
policy = BanditPolicy(evaluation_interval=2, slack_factor=0.1)
