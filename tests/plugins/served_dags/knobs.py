"""A pipeline of one step with parameters of all kinds."""

from airflow_ml.core import Dataset, Workspace
from airflow_ml.data.datapath import DataPath, DataPathComputeBinding
from airflow_ml.data.dataset_consumption_config import DatasetConsumptionConfig
from airflow_ml.pipeline.core import Pipeline, PipelineData, PipelineParameter
from airflow_ml.pipeline.steps import PythonScriptStep

workspace = Workspace.get("team")
store = workspace.get_default_datastore()
defaults = {"count": 3, "rate": 0.5, "flag": True, "text": "plain", "empty": "full"}
knobs = [PipelineParameter(name, default_value=value) for name, value in defaults.items()]
place = PipelineParameter("place", default_value=DataPath(store, "raw"))
table = PipelineParameter("table", default_value=Dataset.File.from_files((store, "raw")))
inputs = [
    (place, DataPathComputeBinding(mode="mount")),
    DatasetConsumptionConfig("table", table, mode="mount"),
]
model = PipelineData("model", datastore=store)
step = PythonScriptStep(
    "train.py",
    name="train it",
    source_directory="knobs_code",
    arguments=["--model", model, *(word for knob in knobs for word in (f"--{knob.name}", knob)), "--place", inputs[0]],
    inputs=inputs,
    outputs=[model],
)
dag = Pipeline(workspace, steps=[step], description="knobs").to_dag("knobs", schedule=None)
