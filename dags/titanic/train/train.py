"""Train one candidate and write it."""

import argparse
from pathlib import Path

import joblib
import pandas as pd
from azureml.core import Run
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

FAMILIES = {
    "logistic": make_pipeline(StandardScaler(), LogisticRegression()),
    "forest": RandomForestClassifier(100, max_depth=5, random_state=0),
}

parser = argparse.ArgumentParser()
parser.add_argument("--features", type=Path, required=True)
parser.add_argument("--family", choices=tuple(FAMILIES), required=True)
parser.add_argument("--model", type=Path, required=True)
args = parser.parse_args()
run = Run.get_context()

train = pd.read_csv(args.features / "train.csv")
model, known, survived = FAMILIES[args.family], train.drop(columns="survived"), train["survived"]
for accuracy in cross_val_score(model, known, survived, cv=5):
    run.log("accuracy", float(accuracy))
model.fit(known, survived)

args.model.mkdir(parents=True, exist_ok=True)
joblib.dump(model, args.model / f"{args.family}.joblib")
run.tag("family", args.family)
