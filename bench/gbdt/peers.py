"""Fit one library on the rows of a folder, and print what it took as JSON.

Usage: peers.py xgboost|scikit-learn DIR TREES DEPTH QUANTILE
Needs Debian's python3-xgboost, python3-sklearn and python3-numpy.
"""

import json
import os
import sys
import time

import numpy as np

name, folder, trees, depth, q = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), float(sys.argv[5])


def read(part):
    y = np.fromfile(os.path.join(folder, part + ".y.f32"), dtype="<f4")
    x = np.fromfile(os.path.join(folder, part + ".x.f32"), dtype="<f4").reshape(-1, len(y)).T
    return np.ascontiguousarray(x), y


x, y = read("train")
x_test, y_test = read("test")

if name == "xgboost":
    import xgboost

    description = f"xgboost {xgboost.__version__} hist, squared error, 256 bins, the DMatrix included"
    wall, cpu = time.perf_counter(), time.process_time()
    matrix = xgboost.DMatrix(x, label=y)
    model = xgboost.train(
        {"tree_method": "hist", "max_depth": depth, "eta": 0.1, "max_bin": 256, "min_child_weight": 20}, matrix, trees
    )
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    predict = lambda: model.inplace_predict(x_test)
else:
    import sklearn
    from sklearn.ensemble import HistGradientBoostingRegressor

    description = f"scikit-learn {sklearn.__version__} HistGradientBoostingRegressor, quantile loss, 255 bins"
    model = HistGradientBoostingRegressor(
        loss="quantile", quantile=q, max_iter=trees, learning_rate=0.1, max_depth=depth,
        max_leaf_nodes=2**depth, min_samples_leaf=20, early_stopping=False,
    )
    wall, cpu = time.perf_counter(), time.process_time()
    model.fit(x, y)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    predict = lambda: model.predict(x_test)

start = time.process_time()
out = predict()
took = time.process_time() - start
answer = {
    "name": name,
    "quantile": q,
    "fit_cpu_seconds": cpu,
    "fit_wall_seconds": wall,
    "predict_cpu_micros_per_row": took / len(y_test) * 1e6,
    "description": description,
}
if name != "xgboost":
    e = y_test.astype(np.float64) - out
    answer["pinball"] = float(np.maximum(q * e, (q - 1) * e).mean())
    answer["covered"] = float((e <= 0).mean())
json.dump(answer, sys.stdout)
