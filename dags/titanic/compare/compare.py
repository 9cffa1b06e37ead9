"""Try every candidate on the passengers that none of them has seen, and register the best one."""

import argparse
from pathlib import Path

import joblib
import pandas as pd
from azureml.core import Run
from sklearn.metrics import accuracy_score

parser = argparse.ArgumentParser()
parser.add_argument("--features", type=Path, required=True)
parser.add_argument("--candidates", type=Path, nargs="+", required=True)
args = parser.parse_args()
run = Run.get_context()

test = pd.read_csv(args.features / "test.csv")
results = []
for folder in args.candidates:
    [file] = folder.glob("*.joblib")
    accuracy = float(accuracy_score(test["survived"], joblib.load(file).predict(test.drop(columns="survived"))))
    run.log_row("candidates", family=file.stem, accuracy=accuracy)
    results.append((accuracy, file))

accuracy, file = max(results)
run.log("best accuracy", accuracy)
run.parent.tag("best family", file.stem)

Path("outputs").mkdir(exist_ok=True)
Path("outputs", "titanic.joblib").write_bytes(file.read_bytes())
run.upload_file("titanic.joblib", "outputs/titanic.joblib")
model = run.register_model(
    "titanic", model_path="titanic.joblib", tags={"family": file.stem, "accuracy": f"{accuracy:.4f}"}
)
print(f"registered {model.name} version {model.version}: {file.stem}, {accuracy:.1%}")
