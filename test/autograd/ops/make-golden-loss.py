"""Writes test/golden/ops/loss.json and loss.bin: losses with their options, with PyTorch's results (see
golden_cases.py). The plain mean of crossEntropy has its cases in make-golden.py.

Run with any Python that has torch (the golden files are from torch 1.13):  python3 test/autograd/ops/make-golden-loss.py
"""

import torch
import torch.nn.functional as F

from golden_cases import case, random, write

torch.manual_seed(20240501)

REDUCTIONS = ["mean", "sum", "none"]
SHAPES = [(7, 5), (70, 11), (1, 1), (2, 1100), (2, 3, 4), (3, 5, 2, 3), (2, 17, 67)]


def labels_for(shape, ignored=None):
    labels = torch.randint(0, shape[1], (shape[0], *shape[2:]))
    if ignored is not None:
        labels[torch.rand(labels.shape) < 0.3] = ignored
    return labels


def options_of(reduction, ignored, smoothing):
    options = {"reduction": reduction}
    if ignored is not None:
        options["ignoreIndex"] = ignored
    if smoothing:
        options["labelSmoothing"] = smoothing
    return options


def cross_entropy(reduction="mean", ignored=None, smoothing=0.0):
    def call(logits, labels, weight=None):
        return F.cross_entropy(
            logits,
            labels,
            weight,
            ignore_index=-100 if ignored is None else ignored,
            reduction=reduction,
            label_smoothing=smoothing,
        )

    return call


def nll_loss(reduction="mean", ignored=None):
    def call(logProbabilities, labels, weight=None):
        ignore = -100 if ignored is None else ignored
        return F.nll_loss(logProbabilities, labels, weight, ignore_index=ignore, reduction=reduction)

    return call


# Every combination of the options, each with another shape.
count = 0
for reduction in REDUCTIONS:
    for weighted in [False, True]:
        for ignored in [None, 0, 2**32 - 1]:
            for smoothing in [0.0, 0.1, 1.0]:
                shape = SHAPES[count % len(SHAPES)]
                # Once more a small shape, so that the file stays small.
                if count > 14 and torch.tensor(shape).prod() > 1000:
                    shape = (5, 9, 3)
                count += 1
                inputs = {"logits": random(*shape, scale=2.0), "labels": labels_for(shape, ignored)}
                if weighted:
                    inputs["weight"] = torch.rand(shape[1]) + 0.2
                call = cross_entropy(reduction, ignored, smoothing)
                case("crossEntropy", call, inputs, options_of(reduction, ignored, smoothing))
                if smoothing == 0.0:
                    logs = {**inputs, "logits": F.log_softmax(inputs["logits"].detach(), 1).requires_grad_()}
                    logs["logProbabilities"] = logs.pop("logits")
                    case("nllLoss", nll_loss(reduction, ignored), logs, options_of(reduction, ignored, 0))

# Nothing counts: the mean is 0 / 0, and the gradient 0.
for reduction in REDUCTIONS:
    for smoothing in [0.0, 0.3]:
        labels = torch.full((4,), 2)
        options = options_of(reduction, 2, smoothing)
        inputs = {"logits": random(4, 3), "labels": labels}
        case("crossEntropy", cross_entropy(reduction, 2, smoothing), inputs, options, name=f"all ignored, {reduction}")
inputs = {"logProbabilities": random(4, 3), "labels": torch.full((4,), 2)}
case("nllLoss", nll_loss("mean", 2), inputs, options_of("mean", 2, 0), name="all ignored")

# Confident logits, far beyond the range of exp.
logits = torch.tensor([[300.0, -300.0], [300.0, -300.0]]).requires_grad_()
inputs = {"logits": logits, "labels": torch.tensor([0, 1]), "weight": torch.tensor([0.5, 2.0])}
case("crossEntropy", cross_entropy("none", None, 0.2), inputs, options_of("none", None, 0.2))

for reduction in REDUCTIONS:
    for shape in [(1,), (), (3, 5, 7), (1, 2083)]:
        inputs = {"input": random(*shape), "target": random(*shape)}
        case("mse", lambda input, target: F.mse_loss(input, target, reduction=reduction), inputs, {"reduction": reduction})


def bce(reduction):
    def call(logits, target, weight=None, posWeight=None):
        return F.binary_cross_entropy_with_logits(logits, target, weight, pos_weight=posWeight, reduction=reduction)

    return call


# The shapes of the logits, of the weight and of the weight of positives.
for shape, weight, positive in [
    ((1,), None, None),
    ((), (), ()),
    ((3, 5, 7), None, None),
    ((3, 5, 7), (5, 1), (7,)),
    ((3, 5, 7), (3, 5, 7), None),
    ((3, 5, 7), None, (7,)),
    ((2, 3, 2, 5), (2, 1, 2, 1), (3, 1, 5)),
    ((3, 431), (3, 1), (431,)),
]:
    for reduction in REDUCTIONS:
        inputs = {"logits": random(*shape, scale=3.0), "target": torch.rand(shape).requires_grad_()}
        if weight is not None:
            inputs["weight"] = torch.rand(weight) + 0.2
        if positive is not None:
            inputs["posWeight"] = torch.rand(positive) * 3 + 0.2
        case("bceWithLogits", bce(reduction), inputs, {"reduction": reduction})

# Large scores of both signs, right and wrong ones, and 0.
scores = torch.tensor([0.0, 20.0, -20.0, 90.0, -90.0, 1e4, -1e4, 1e-6]).repeat(3).requires_grad_()
wanted = torch.tensor([0.0, 1.0, 0.25]).repeat_interleave(8).requires_grad_()
case("bceWithLogits", bce("none"), {"logits": scores, "target": wanted}, {"reduction": "none"})
positive = torch.tensor([2.5])
inputs = {"logits": scores.detach().requires_grad_(), "target": wanted.detach().requires_grad_(), "posWeight": positive}
case("bceWithLogits", bce("none"), inputs, {"reduction": "none"})

write("loss")
