"""Turn passengers into numbers that models read, in one table to train with and one to test with."""

import argparse
from pathlib import Path

import pandas as pd
from azureml.core import Run
from sklearn.model_selection import train_test_split

parser = argparse.ArgumentParser()
parser.add_argument("--cleaned", type=Path, required=True)
parser.add_argument("--features", type=Path, required=True)
parser.add_argument("--test-share", type=float, required=True)
args = parser.parse_args()

passengers = pd.read_csv(args.cleaned / "passengers.csv")
table = pd.get_dummies(passengers.drop(columns="passenger"), columns=["class", "sex", "port"], dtype=int)
table["is_child"] = (passengers["age"] < 12).astype(int)
table["is_alone"] = (passengers["relatives"] == 0).astype(int)

train, test = train_test_split(table, test_size=args.test_share, stratify=table["survived"], random_state=0)
args.features.mkdir(parents=True, exist_ok=True)
train.to_csv(args.features / "train.csv", index=False)
test.to_csv(args.features / "test.csv", index=False)
Run.get_context().log_list("columns", table.columns.tolist())
print(f"{len(table.columns) - 1} features: {len(train)} passengers to train with, {len(test)} to test with")
