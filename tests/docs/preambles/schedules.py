from pathlib import Path

from airflow_ml.core import Workspace
from airflow_ml.pipeline.core import Pipeline, PipelineParameter
from airflow_ml.pipeline.steps import PythonScriptStep

workspace = Workspace.create("digits", show_output=False)
Path("train").mkdir()
Path("train/train.py").write_text("")
arguments = [PipelineParameter("rate", 0.5), PipelineParameter("file", "")]
step = PythonScriptStep("train.py", "train", arguments, source_directory="train")
published = Pipeline(workspace, [step]).publish("digits")
