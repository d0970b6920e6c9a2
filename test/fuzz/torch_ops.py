"""
The ops of random programs on PyTorch: a function of the same name for each row of the table in ops/. It takes the run
(`Machine` in torch_programs.py), its input tensors by their names, and the options. Layers and losses are in
torch_layers.py.

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
single("erf", lambda x, o: x.erf())
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
