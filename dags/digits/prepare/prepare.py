"""Turn the images into two tables: one row per image, its 64 pixels (0 to 1) and its label."""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
from azureml.core import Run
from PIL import Image
from sklearn.model_selection import train_test_split

parser = argparse.ArgumentParser()
parser.add_argument("--images", required=True)
parser.add_argument("--tables", required=True)
parser.add_argument("--test-share", type=float, required=True)
args = parser.parse_args()

files = sorted(Path(args.images).glob("*/*.png"))
if not files:
    raise SystemExit(f"no images below {args.images}: expected one folder of PNG files per class")
pixels = np.stack([np.asarray(Image.open(file)).ravel() for file in files]) / 255
table = pd.DataFrame(pixels.round(4), columns=[f"pixel_{number}" for number in range(pixels.shape[1])])
table.insert(0, "label", [int(file.parent.name) for file in files])

train, test = train_test_split(table, test_size=args.test_share, stratify=table["label"], random_state=0)
target = Path(args.tables)
target.mkdir(parents=True, exist_ok=True)
train.to_csv(target / "train.csv", index=False)
test.to_csv(target / "test.csv", index=False)

run = Run.get_context()
run.log("images", len(files))
run.log_table("images per class", {"label": list(range(10)), "images": table["label"].value_counts().sort_index()})
print(f"{len(files)} images: {len(train)} to train with, {len(test)} to test with")
