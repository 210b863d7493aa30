"""Trains gradient-boosted trees on the flights: train.py FLIGHTS.csv.gz FOLDER"""
import sys

import joblib
import pandas
from columns import features
from sklearn.ensemble import HistGradientBoostingClassifier

flights = pandas.read_csv(sys.argv[1])
model = HistGradientBoostingClassifier(max_iter=20, random_state=1)
model.fit(features(flights), flights["delay"] > 15)
joblib.dump(model, f"{sys.argv[2]}/model.joblib")
