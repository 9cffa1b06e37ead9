"""Write down the first rows of the dataset that the step is given, or the paths of its files; runs in a worker."""

import json
from pathlib import Path

from azureml.core import Run  # type: ignore[import-not-found]  # what steps find

#: What a page has room for.
ROWS, CELL = 50, 200

dataset = Run.get_context().input_datasets["data"]
if hasattr(dataset, "to_pandas_dataframe"):
    frame = dataset.take(ROWS).to_pandas_dataframe()
    empty = frame.isna()
    rows = [
        [None if empty.iat[row, column] else str(frame.iat[row, column])[:CELL] for column in range(frame.shape[1])]
        for row in range(frame.shape[0])
    ]
    shown = {"columns": [f"{name} ({kind})" for name, kind in frame.dtypes.items()], "rows": rows}
else:
    paths = dataset.to_path()
    shown = {"columns": [f"{len(paths)} files"], "rows": [[path[:CELL]] for path in paths[:ROWS]]}
Path("outputs").mkdir(exist_ok=True)
Path("outputs", "preview.json").write_text(json.dumps(shown), encoding="utf-8")
