"""Scores flights with the model that train.py made: called by rankflow with 10,000 rows at a time."""
import joblib
import pandas
import rankflow_step
from columns import features


def init():
    global model, threshold
    context = rankflow_step.context
    model = joblib.load(context.inputs["model"] + "/model.joblib")
    threshold = context.parameters["threshold"]


def run(flights):
    probability = model.predict_proba(features(flights))[:, 1]
    return pandas.DataFrame({"late": probability > threshold, "probability": probability})
