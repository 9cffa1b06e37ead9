"""Write scikit-learn's digits as PNG files, in one folder per class, and upload those that are not there yet."""

import argparse
import tempfile
from pathlib import Path

from azureml.core import Run
from PIL import Image
from sklearn.datasets import load_digits

parser = argparse.ArgumentParser()
parser.add_argument("--target", required=True)
args = parser.parse_args()

digits = load_digits()
datastore = Run.get_context().experiment.workspace.get_default_datastore()
with tempfile.TemporaryDirectory(dir=".") as folder:
    for number, (pixels, digit) in enumerate(zip(digits.images, digits.target, strict=True)):
        place = Path(folder, str(digit), f"{number:04}.png")
        place.parent.mkdir(exist_ok=True)
        Image.fromarray((pixels * 255 / 16).round().astype("uint8")).save(place)
    datastore.upload(folder, target_path=args.target, overwrite=False)
print(f"{len(digits.images)} images are at {datastore.name}/{args.target}")
