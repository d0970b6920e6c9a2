"""Layers and losses of random programs on PyTorch (see torch_ops.py)."""
import torch
import torch.nn.functional as F

from torch_ops import OPS, best, each, exactly, plain, sums

# Layers.


@sums
def linear(m, t, o):
    return F.linear(t["input"], t["weight"], t.get("bias"))


@sums
def matmul(m, t, o):
    a = t["a"].transpose(-1, -2) if o["transposeA"] else t["a"]
    b = t["b"].transpose(-1, -2) if o["transposeB"] else t["b"]
    return torch.matmul(a, b)


@plain
def embedding(m, t, o):
    return F.embedding(t["index"], t["weight"], padding_idx=o["paddingIdx"])


@each
def layerNorm(m, t, o):
    return F.layer_norm(t["input"], o["normalizedShape"], t.get("weight"), t.get("bias"), o["eps"])


@each
def groupNorm(m, t, o):
    return F.group_norm(t["input"], o["numGroups"], t.get("weight"), t.get("bias"), o["eps"])


@plain
def dropout(m, t, o):
    x = t["input"]
    if o["training"] and o["p"] == 1:
        return x * 0
    return x.view_as(x)


@sums
def conv2d(m, t, o):
    return F.conv2d(t["input"], t["weight"], t.get("bias"), o["stride"], o["padding"], o["dilation"], o["groups"])


def normalised(m, t, o, x):
    mean, variance = t["runningMean"], t["runningVar"]
    if not o["training"]:
        # Copies, because a later op may move them before backward.
        mean, variance = mean.clone(), variance.clone()
    weight, bias = m.inward(t["weight"]), m.inward(t["bias"])
    y = m.each(F.batch_norm(x, mean, variance, weight, bias, o["training"], o["momentum"], o["eps"]))
    if "residual" in t:
        y = m.each(y + t["residual"])
    return OPS["relu"](m, {"x": y}, {}) if o["relu"] else y


@plain
def batchNorm2d(m, t, o):
    return normalised(m, t, o, m.inward(t["input"]))


@plain
def conv2dBatchNorm2d(m, t, o):
    convolved = OPS["conv2d"](m, {"input": t["input"], "weight": t["kernel"]}, o)
    return normalised(m, t, o, m.inward(convolved))


@plain
def maxPool2d(m, t, o):
    x = t["input"]
    kernel, stride, padding, dilation = o["kernelSize"], o["stride"], o["padding"], o["dilation"]
    y, places = F.max_pool2d(x, kernel, stride, padding, dilation, o["ceilMode"], return_indices=True)
    values = exactly(x)
    # Rows enough for a last window beyond the padding.
    reach = [dilation[i] * (kernel[i] - 1) + stride[i] for i in (0, 1)]
    (ph, pw), (eh, ew) = padding, [padding[i] + reach[i] for i in (0, 1)]
    padded = F.pad(values, (pw, ew, ph, eh), value=float("-inf"))
    wide = [dilation[i] * (kernel[i] - 1) + 1 for i in (0, 1)]
    windows = padded.unfold(2, wide[0], stride[0]).unfold(3, wide[1], stride[1])
    windows = windows[:, :, : y.shape[2], : y.shape[3], :: dilation[0], :: dilation[1]].flatten(4)
    if windows.shape[-1] > 1:
        top = windows.topk(2).values
        m.kink("maxPool2d", values, top[..., 0] - top[..., 1], places, share=2)
    return y


@sums
def avgPool2d(m, t, o):
    divisor = o["divisorOverride"]
    windows = o["kernelSize"], o["stride"], o["padding"], o["ceilMode"]
    return F.avg_pool2d(t["input"], *windows, o["countIncludePad"], divisor)


@sums
def adaptiveAvgPool2d(m, t, o):
    return F.adaptive_avg_pool2d(t["input"], o["outputSize"])


OPS["globalAvgPool2d"] = OPS["adaptiveAvgPool2d"]


# Losses.


def class_options(t, o):
    ignored = o["ignoreIndex"]
    return {"weight": t.get("weight"), "ignore_index": -100 if ignored is None else ignored, "reduction": o["reduction"]}


@sums
def crossEntropy(m, t, o):
    options = class_options(t, o)
    return F.cross_entropy(t["logits"], t["labels"], label_smoothing=o["labelSmoothing"], **options)


@sums
def nllLoss(m, t, o):
    return F.nll_loss(t["logProbabilities"], t["labels"], **class_options(t, o))


@sums
def mse(m, t, o):
    return F.mse_loss(t["input"], t["target"], reduction=o["reduction"])


@sums
def bceWithLogits(m, t, o):
    weights = {"weight": t.get("weight"), "pos_weight": t.get("posWeight")}
    return F.binary_cross_entropy_with_logits(t["logits"], t["target"], reduction=o["reduction"], **weights)


@plain
def countCorrect(m, t, o):
    # The first of equal logits.
    places = best(m, "countCorrect", t["logits"], [1], 1)
    return (places == t["labels"]).sum()
