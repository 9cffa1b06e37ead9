"""Pass on the readings, or fail: one that is hotter than what is possible means a broken sensor."""

import argparse
import csv
import shutil
import sys
from pathlib import Path

parser = argparse.ArgumentParser()
parser.add_argument("--readings", type=Path, required=True)
parser.add_argument("--checked", type=Path, required=True)
parser.add_argument("--hottest", type=float, required=True)
args = parser.parse_args()

with args.readings.open(encoding="utf-8") as stream:
    celsius = [float(row["celsius"]) for row in csv.DictReader(stream)]
if max(celsius) > args.hottest:
    sys.exit(f"{max(celsius)} degrees are more than {args.hottest}: the sensor is broken")
shutil.copyfile(args.readings, args.checked)
