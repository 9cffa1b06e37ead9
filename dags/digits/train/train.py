"""Train one candidate, log how it gets better, and write it with what is known of it."""

import argparse
import json
from pathlib import Path

import joblib
import matplotlib

matplotlib.use("Agg")
import numpy as np
import pandas as pd
from azureml.core import Run
from matplotlib import pyplot as plt
from sklearn.linear_model import SGDClassifier
from sklearn.metrics import ConfusionMatrixDisplay, accuracy_score, log_loss
from sklearn.neural_network import MLPClassifier

parser = argparse.ArgumentParser()
parser.add_argument("--tables", type=Path, required=True)
parser.add_argument("--family", choices=("linear", "network"), required=True)
parser.add_argument("--epochs", type=int, required=True)
parser.add_argument("--learning-rate", type=float, required=True)
parser.add_argument("--model", type=Path, required=True)
args = parser.parse_args()
run = Run.get_context()

train = pd.read_csv(args.tables / "train.csv")
test = pd.read_csv(args.tables / "test.csv")
if args.family == "linear":
    model = SGDClassifier(loss="log_loss", learning_rate="constant", eta0=args.learning_rate, random_state=0)
else:
    model = MLPClassifier((64,), learning_rate_init=args.learning_rate, random_state=0)

classes = np.unique(train["label"])
accuracy = 0.0
for epoch in range(args.epochs):
    shuffled = train.sample(frac=1, random_state=epoch)
    model.partial_fit(shuffled.drop(columns="label").to_numpy(), shuffled["label"].to_numpy(), classes=classes)
    probabilities = model.predict_proba(test.drop(columns="label").to_numpy())
    accuracy = accuracy_score(test["label"], classes[probabilities.argmax(axis=1)])
    run.log("accuracy", accuracy)
    run.log("loss", log_loss(test["label"], probabilities))
    print(f"epoch {epoch + 1:3}: accuracy {accuracy:.3f}")

predicted = model.predict(test.drop(columns="label").to_numpy())
ConfusionMatrixDisplay.from_predictions(test["label"], predicted, colorbar=False)
plt.title(f"{args.family}, {args.epochs} epochs: {accuracy:.1%}")
run.log_image("confusion matrix", plot=plt)
run.tag("family", args.family)

args.model.mkdir(parents=True, exist_ok=True)
joblib.dump(model, args.model / "model.joblib")
facts = {"family": args.family, "epochs": args.epochs, "learning_rate": args.learning_rate, "run_id": run.id}
(args.model / "candidate.json").write_text(json.dumps(facts), encoding="utf-8")
