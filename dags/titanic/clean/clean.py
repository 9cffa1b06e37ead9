"""Fill the gaps: ages by the median of their class, ports by the most frequent one."""

import argparse
from pathlib import Path

import pandas as pd
from azureml.core import Run

parser = argparse.ArgumentParser()
parser.add_argument("--passengers", type=Path, required=True)
parser.add_argument("--cleaned", type=Path, required=True)
args = parser.parse_args()

table = pd.concat([pd.read_csv(file) for file in sorted(args.passengers.rglob("*.csv"))], ignore_index=True)
gaps = table.isna().sum()
table["age"] = table["age"].fillna(table.groupby("class")["age"].transform("median"))
table["port"] = table["port"].fillna(table["port"].mode()[0])

args.cleaned.mkdir(parents=True, exist_ok=True)
table.to_csv(args.cleaned / "passengers.csv", index=False)
Run.get_context().log_table("gaps", {"column": gaps.index.tolist(), "filled": gaps.tolist()})
print(f"filled {gaps.sum()} gaps of {len(table)} passengers")
