"""Run the digits pipeline on this machine and show what came of it: `make demo`."""

import digits_classification as example

from airflow_ml.core import Experiment
from airflow_ml.pipeline.core import Pipeline
from airflow_ml.pipeline.steps import PythonScriptStep

up = PythonScriptStep("upload.py", source_directory="digits/upload", arguments=["--target", "digits/images"], runconfig=example.run_config, name="upload")
import time
t=time.time()
r=Experiment(example.workspace,"digits_upload").submit(Pipeline(example.workspace,[up]))
r.wait_for_completion(show_output=True)
print("T", time.time()-t); t=time.time()
r=Experiment(example.workspace,"digits").submit(example.pipeline)
r.wait_for_completion(show_output=True)
print("T", time.time()-t)
for s in r.get_steps(): print(s.name, s.get_status(), s.get_metrics(), {k:v.get_port_data_reference().path_on_datastore for k,v in s.get_outputs().items()}, s.get_file_names())
print(example.workspace.models, example.workspace.datasets)
print(example.workspace.datasets["digits-predictions"].to_pandas_dataframe().head())
