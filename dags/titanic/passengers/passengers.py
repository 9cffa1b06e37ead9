"""Make up passengers of a ship that sank: nobody's data, with gaps as in real life, the same for the same count."""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
from azureml.core import Run

SEED = 1912

parser = argparse.ArgumentParser()
parser.add_argument("--table", type=Path, required=True)
parser.add_argument("--count", type=int, required=True)
args = parser.parse_args()

chance = np.random.default_rng(SEED)
count = args.count
sex = chance.choice(["female", "male"], count, p=[0.36, 0.64])
cabin_class = chance.choice([1, 2, 3], count, p=[0.24, 0.21, 0.55])
age = chance.gamma(6.0, 5.0, count).clip(0.5, 80).round(1)
relatives = chance.poisson(0.9, count)
fare = (chance.lognormal(2.4, 0.4, count) * np.array([6.0, 2.0, 1.0])[cabin_class - 1]).round(2)

# Women, children and the upper decks first: what a model is expected to find.
odds = 2.4 * (sex == "female") + 1.1 * (age < 12) - 0.9 * (cabin_class - 2) - 0.25 * relatives - 1.5
survived = chance.random(count) < 1 / (1 + np.exp(-odds))

table = pd.DataFrame(
    {
        "passenger": np.arange(1, count + 1),
        "survived": survived.astype(int),
        "class": cabin_class,
        "sex": sex,
        "age": np.where(chance.random(count) < 0.2, np.nan, age),
        "relatives": relatives,
        "fare": fare,
        "port": chance.choice(["S", "C", "Q", None], count, p=[0.71, 0.19, 0.09, 0.01]),
    }
)
args.table.mkdir(parents=True, exist_ok=True)
table.to_csv(args.table / "passengers.csv", index=False)

run = Run.get_context()
run.log("passengers", count)
run.log("survived", int(survived.sum()))
print(f"{count} passengers, {survived.sum()} survived")
