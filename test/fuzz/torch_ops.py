"""
The ops of random programs on PyTorch: a function of the same name for each row of the table in ops/. It takes the run
(`Machine` in torch_programs.py), its input tensors by their names, and the options.

A result passes `outward`, which jitters it by up to an ulp, and the inputs pass `inward`, which jitters their gradient.
`each` jitters the results of elementwise ops and norms: equal values stay equal, as they do on a device. Ops that only choose or
move values round nothing, and are not jittered.
"""
import torch
import torch.nn.functional as F

OPS = {}


def plain(function):
    """An op that rounds nothing, or jitters by itself."""
    OPS[function.__name__.rstrip("_")] = function
    return function


def jittered(outward):
    def register(function):
        def run(m, t, o):
            return getattr(m, outward)(function(m, {name: m.inward(x) for name, x in t.items()}, o))

        OPS[function.__name__.rstrip("_")] = run
        return function

    return register


sums = jittered("outward")
each = jittered("each")


def exactly(x):
    return x.detach().to(torch.float64, copy=True)


# Elementwise ops. A choice between sides of these values has a kink there.
BENDS = {
    "relu": [0],
    "abs": [0],
    "relu6": [0, 6],
    "hardsigmoid": [-3, 3],
    "hardswish": [-3, 3],
    "leakyRelu": [0],
}


def bend(m, name, x, places):
    values = exactly(x)
    gaps = torch.stack([(values - place).abs() for place in places]).amin(0)
    sides = sum((values > place).long() for place in places)
    m.kink(name, values, gaps, sides)


def single(name, function, rounds=True):
    def run(m, t, o):
        x = t["x"]
        if name in BENDS:
            bend(m, name, x, BENDS[name])
        return m.each(function(m.inward(x), o)) if rounds else function(x, o)

    OPS[name] = run


single("neg", lambda x, o: -x, False)
single("abs", lambda x, o: x.abs(), False)
single("relu", lambda x, o: F.relu(x), False)
single("relu6", lambda x, o: F.relu6(x), False)
single("exp", lambda x, o: x.exp())
single("log", lambda x, o: x.log())
single("sqrt", lambda x, o: x.sqrt())
single("sigmoid", lambda x, o: x.sigmoid())
single("hardsigmoid", lambda x, o: F.hardsigmoid(x))
single("tanh", lambda x, o: x.tanh())
single("silu", lambda x, o: F.silu(x))
single("hardswish", lambda x, o: F.hardswish(x))
single("leakyRelu", lambda x, o: F.leaky_relu(x, o["slope"]))
single("gelu", lambda x, o: F.gelu(x, approximate=o["approximate"]))


@plain
def clamp(m, t, o):
    bounds = [o[name] for name in ("min", "max") if name in o]
    bend(m, "clamp", t["x"], bounds)
    return t["x"].clamp(o.get("min"), o.get("max"))


def operands(t, o):
    """Two operands, one of which may be a number."""
    return t.get("a", o.get("a")), t.get("b", o.get("b"))


def pair(name, function):
    def run(m, t, o):
        return m.each(function(*operands({key: m.inward(x) for key, x in t.items()}, o)))

    OPS[name] = run


pair("add", lambda a, b: a + b)
pair("sub", lambda a, b: a - b)
pair("mul", lambda a, b: a * b)
pair("div", lambda a, b: a / b)
pair("pow", lambda a, b: torch.pow(a, b))


def choosing(name, function):
    def run(m, t, o):
        a, b = [torch.as_tensor(x, dtype=m.dtype) for x in operands(t, o)]
        left, right = torch.broadcast_tensors(exactly(a), exactly(b))
        m.kink(name, torch.stack([left, right]), (left - right).abs(), left > right, share=2)
        return function(a, b)

    OPS[name] = run


choosing("maximum", torch.maximum)
choosing("minimum", torch.minimum)
for name in ("eq", "ne", "gt", "ge", "lt", "le"):
    choosing(name, lambda a, b, compare=getattr(torch, name): compare(a, b).long())


@plain
def where(m, t, o):
    a, b = [torch.as_tensor(x, dtype=m.dtype) for x in operands(t, o)]
    return torch.where(t["condition"] != 0, a, b)


# Reductions.


def dims_of(x, dims):
    if dims is None:
        return list(range(max(1, x.dim())))
    return dims if isinstance(dims, list) else [dims]


@sums
def sum_(m, t, o):
    return t["input"].sum(dims_of(t["input"], o["dims"]), keepdim=o["keepdim"])


@sums
def mean(m, t, o):
    return t["input"].mean(dims_of(t["input"], o["dims"]), keepdim=o["keepdim"])


@sums
def logsumexp(m, t, o):
    return t["input"].logsumexp(dims_of(t["input"], o["dims"]), keepdim=o["keepdim"])


def rows_of(values, dims):
    """The values that are reduced, as the last dimension."""
    if values.dim() == 0:
        return values.reshape(1)
    gone = sorted(dim % values.dim() for dim in dims)
    kept = [dim for dim in range(values.dim()) if dim not in gone]
    shape = [values.shape[dim] for dim in kept]
    return values.permute(kept + gone).reshape(shape + [-1])


def best(m, name, x, dims, sign):
    """Registers the choice of the largest value times the sign. Returns the first place of it."""
    rows = sign * rows_of(exactly(x), dims)
    places = torch.as_tensor(rows.numpy().argmax(-1))
    if rows.shape[-1] > 1:
        top = rows.topk(2).values
        m.kink(name, rows, top[..., 0] - top[..., 1], places, share=2)
    return places


def extreme(name, function, sign):
    def run(m, t, o):
        dims = dims_of(t["input"], o["dims"])
        best(m, name, t["input"], dims, sign)
        return function(t["input"], dims, keepdim=o["keepdim"])

    OPS[name] = run


extreme("max", torch.amax, 1)
extreme("min", torch.amin, -1)


def placing(name, sign):
    def run(m, t, o):
        x = t["input"]
        dims = dims_of(x, o["dim"])
        places = best(m, name, x, dims, sign)
        return places.unsqueeze(dims[0]) if o["keepdim"] and x.dim() > 0 else places.clone()

    OPS[name] = run


placing("argmax", 1)
placing("argmin", -1)


@each
def softmax(m, t, o):
    return t["input"].softmax(o["dim"])


@each
def logSoftmax(m, t, o):
    return t["input"].log_softmax(o["dim"])


# Ops that move values. What is a copy in the engine must be none of torch's views.


def moving(name, function, copies=False):
    def run(m, t, o):
        y = function(t["input"], o)
        return y.clone(memory_format=torch.contiguous_format) if copies else y

    OPS[name] = run


moving("reshape", lambda x, o: x.reshape(o["shape"]))
moving("view", lambda x, o: x.view(o["shape"]))
moving("detach", lambda x, o: x.detach().view(o["shape"]))
moving("flatten", lambda x, o: x.flatten(o["startDim"], o["endDim"]))
moving("squeeze", lambda x, o: x.squeeze() if o["dim"] is None else x.squeeze(o["dim"]))
moving("unsqueeze", lambda x, o: x.unsqueeze(o["dim"]))
moving("transpose", lambda x, o: x.transpose(o["dim0"], o["dim1"]), True)
moving("permute", lambda x, o: x.permute(o["dims"]), True)
moving("flip", lambda x, o: x.flip(o["dims"]), True)
moving("narrow", lambda x, o: x.narrow(o["dim"], o["start"], o["length"]), True)
moving("expand", lambda x, o: x.expand(o["shape"]), True)


def padded(x, o):
    padding, mode = o["padding"], o["mode"]
    if not x.is_floating_point():  # torch 1.13 has no other modes for integers
        return padded(x.double(), o).long()
    if mode == "circular" and x.dim() == len(padding) // 2 + 1:  # torch 1.13 wants two more dimensions
        return F.pad(x.unsqueeze(0), padding, mode).squeeze(0)
    return F.pad(x, padding, mode, o["value"])


moving("pad", padded, True)


@plain
def concat(m, t, o):
    return torch.cat(list(t.values()), o["dim"])


@plain
def stack(m, t, o):
    return torch.stack(list(t.values()), o["dim"])


@plain
def indexSelect(m, t, o):
    return t["input"].index_select(o["dim"], t["index"])


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
