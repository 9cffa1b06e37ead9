"""Log the day's mean."""

import argparse
import csv
import statistics
from pathlib import Path

from azureml.core import Run

parser = argparse.ArgumentParser()
parser.add_argument("--checked", type=Path, required=True)
args = parser.parse_args()

with args.checked.open(encoding="utf-8") as stream:
    celsius = [float(row["celsius"]) for row in csv.DictReader(stream)]
Run.get_context().log("mean", round(statistics.mean(celsius), 2))
