"""Scores of random answers: scikit-learn's, and Wilson's interval and the calibration error by their formulas in NumPy.

Usage: scores.py <folder>. Reads cases.json, a list of {classes, truths, probabilities}, and writes scores.json.
"""

import json
import sys
import warnings

import numpy as np

BINS = 15
# The quantile of the normal distribution at 0.975.
Z = 1.959963984540054


def main(folder):
    from sklearn import metrics

    # A class without pictures is among the cases on purpose.
    warnings.simplefilter("ignore")
    with open(f"{folder}/cases.json") as file:
        cases = json.load(file)
    with open(f"{folder}/scores.json", "w") as file:
        json.dump([score(metrics, case) for case in cases], file)


def score(metrics, case):
    labels = np.arange(case["classes"])
    truths = np.array(case["truths"])
    probabilities = np.array(case["probabilities"]).reshape(len(truths), len(labels))
    answers = probabilities.argmax(1)
    right = answers == truths

    def rates(average):
        precision, recall, f1, _ = metrics.precision_recall_fscore_support(
            truths, answers, labels=labels, average=average, zero_division=0
        )
        return [np.asarray(one).tolist() for one in (precision, recall, f1)]

    # With two classes scikit-learn wants the probability of the second only.
    given = probabilities[:, 1] if len(labels) == 2 else probabilities
    ks = range(1, max(2, min(6, len(labels))))
    return {
        "accuracy": float(metrics.accuracy_score(truths, answers)),
        "confusion": metrics.confusion_matrix(truths, answers, labels=labels).tolist(),
        "balanced": float(metrics.balanced_accuracy_score(truths, answers)),
        "topK": [float(metrics.top_k_accuracy_score(truths, given, k=k, labels=labels)) for k in ks],
        "loss": float(metrics.log_loss(truths, probabilities, labels=labels, eps=1e-300)),
        "classes": rates(None),
        "micro": rates("micro"),
        "macro": rates("macro"),
        "weighted": rates("weighted"),
        "interval": wilson(int(right.sum()), len(right)),
        "ece": calibration_error(probabilities.max(1), right),
    }


def wilson(right, count):
    share = right / count
    low, high = [
        (share + Z**2 / (2 * count) + sign * Z * np.sqrt(share * (1 - share) / count + Z**2 / (4 * count**2)))
        / (1 + Z**2 / count)
        for sign in (-1, 1)
    ]
    return [float(low), float(high)]


def calibration_error(confidences, right):
    edges = np.arange(BINS + 1) / BINS
    error = 0.0
    for low, high in zip(edges[:-1], edges[1:]):
        inside = (confidences > low) & (confidences <= high)
        if inside.any():
            error += inside.mean() * abs(right[inside].mean() - confidences[inside].mean())
    return float(error)


main(sys.argv[1])
