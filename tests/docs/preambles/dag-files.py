from pathlib import Path

from airflow_ml.core import Workspace

Workspace.create("digits", show_output=False)
Path("load").mkdir()
Path("load/load.py").write_text("")
