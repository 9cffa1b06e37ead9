"""Say what the parameters are, and log a metric."""

import sys
from pathlib import Path

from azureml.core import Run

run = Run.get_context()
values = dict(zip(sys.argv[1::2], sys.argv[2::2], strict=True))
for epoch in range(5):
    run.log("loss", 1 / (epoch + 1))
print({name: value for name, value in values.items() if name not in ("--model", "--place")})
print(sorted(path.name for path in Path(values["--place"]).iterdir()))
Path(values["--model"]).mkdir(parents=True, exist_ok=True)
Path(values["--model"], "weights.txt").write_text("w")
