"""Writes test/golden/ops/elementwise.json and .bin: the elementwise ops (src/autograd/ops/elementwise.ts), a `row` for each.

Run with any Python that has torch (the golden files are from torch 1.13):
python3 test/autograd/ops/make-golden-elementwise.py
"""

import torch
import torch.nn.functional as F

from golden_cases import case, write

torch.manual_seed(20261130)

INF, NAN = float("inf"), float("nan")
# Values at which functions are special: written into the second case of each op.
SPECIAL = [0.0, -0.0, 1.0, -1.0, INF, -INF, NAN, 3.0, -3.0, 6.0, 0.5, -0.5]
ONE = [(), (2, 0, 3), (3, 5, 7), (4, 130)]
TWO = [
    ((1,), ()),
    ((2, 0), (2, 1)),
    ((3, 5, 7), (3, 5, 7)),
    ((4, 132), (132,)),
    ((7,), (5, 7)),
    ((5, 1), (1, 8)),
    ((2, 3, 1, 8), (3, 1, 1)),
    ((2, 1, 4, 1), (5, 1, 3)),
]


def values(shape, low, high, kinks):
    """Uniform values, none of them within 0.05 of a kink."""
    drawn = torch.rand(shape) * (high - low) + low
    for kink in kinks:
        near = (drawn - kink).abs() < 0.05
        drawn[near] = (drawn + torch.where(drawn < kink, -0.05, 0.05))[near]
    return drawn.requires_grad_()


def row(op, function, domain=(-3, 3), kinks=(), special=True, options=None):
    """The cases of an op of one tensor. Away from `kinks` its gradient is checked by finite differences too."""
    options = options or {}
    run = lambda x: function(x, **options)  # under our name, whatever torch calls its argument
    for shape in ONE:
        case(op, run, {"x": values(shape, *domain, kinks)}, options, name="smooth")
    if special:
        case(op, run, {"x": torch.tensor(SPECIAL).requires_grad_()}, options, name="special values")


def pair(op, function, domain=(-3, 3), other=None, apart=0.0, special=True, numbers=(2.5, -0.75), learns=True):
    """The cases of an op of two operands: tensors that are broadcast both ways, and a number in place of either."""
    other = other or domain
    run = lambda a, b: function(a, b)
    seed = True if learns else None

    def two(a, b):
        a, b = values(a, *domain, ()), values(b, *other, ())
        if not learns:  # comparisons want equal values
            a, b = a.detach().round(), b.detach().round()
        if apart and a.numel() and b.numel():
            # No sum of a and -b is near 0: one has whole values and the other is half way between.
            a = (a.detach().round() + 0.0).requires_grad_()
            b = (b.detach().round() + 0.5).requires_grad_()
        return {"a": a.requires_grad_(learns), "b": b.requires_grad_(learns)}

    for a, b in TWO:
        for shapes in [(a, b), (b, a)] if a != b else [(a, b)]:
            case(op, run, two(*shapes), seed=seed, name="smooth")
    for number in numbers:
        x = two((3, 11), (3, 11))
        case(op, lambda a: function(a, torch.tensor(number, dtype=a.dtype)), {"a": x["a"]}, {"b": number}, seed, "smooth")
        if domain[0] < 0 or number > 0:
            case(op, lambda b: function(torch.tensor(number, dtype=b.dtype), b), {"b": x["b"]}, {"a": number}, seed, "smooth")
    if special:
        grid = torch.tensor(SPECIAL)
        inputs = {"a": grid[:, None].clone().requires_grad_(learns), "b": grid.clone().requires_grad_(learns)}
        case(op, run, inputs, seed=seed, name="special values")


pair("add", torch.add)
pair("sub", torch.sub)
pair("mul", torch.mul)
pair("div", torch.div, other=(0.5, 3))
pair("maximum", torch.maximum, apart=True)
pair("minimum", torch.minimum, apart=True)
pair("pow", torch.pow, domain=(0.3, 3), other=(-3, 3), numbers=(2.0, 0.5))
whole = torch.tensor([2.0, 3.0, -2.0, -1.0, 0.0, 7.0])
case("pow", lambda a, b: torch.pow(a, b), {"a": torch.tensor([-1.5, -2.0, -0.5, -3.0, -1.0, -1.25]).requires_grad_(), "b": whole})

row("neg", torch.neg)
row("abs", torch.abs, kinks=[0])
row("exp", torch.exp)
row("log", torch.log, (0.2, 4))
row("sqrt", torch.sqrt, (0.2, 4))
row("relu", F.relu, kinks=[0])
row("relu6", F.relu6, (-4, 9), kinks=[0, 6])
row("sigmoid", torch.sigmoid, (-6, 6))
row("hardsigmoid", F.hardsigmoid, (-6, 6), kinks=[-3, 3])
row("tanh", torch.tanh)
row("silu", F.silu, (-6, 6))
row("hardswish", F.hardswish, (-6, 6), kinks=[-3, 3])
row("leakyRelu", F.leaky_relu, kinks=[0])
row("leakyRelu", lambda x, slope: F.leaky_relu(x, slope), kinks=[0], options={"slope": 0.25})
row("clamp", lambda x, min, max: torch.clamp(x, min, max), kinks=[-1, 0.5], options={"min": -1.0, "max": 0.5})
row("clamp", lambda x, min: torch.clamp(x, min), kinks=[-1], options={"min": -1.0})
row("gelu", F.gelu, (-5, 5))
row("gelu", lambda x, approximate: F.gelu(x, approximate=approximate), (-5, 5), options={"approximate": "tanh"})
# Close to 0, where a careless formula loses digits, and far from it, where one overflows.
for op, function in [("tanh", torch.tanh), ("gelu", F.gelu), ("sigmoid", torch.sigmoid), ("silu", F.silu)]:
    spread = torch.tensor([1e-4, -1e-4, 1e-7, 0.59, 0.61, 0.99, 1.01, -1.01, 9.5, 20.0, 80.0, -9.5, -20.0, -80.0])
    case(op, lambda x: function(x), {"x": spread.requires_grad_()}, name="near and far")
near_one = torch.tensor([0.9999, 1.0001, 0.76, 0.74, 1.24, 1.26, 1e-6, 1e30])
case("log", lambda x: torch.log(x), {"x": near_one.requires_grad_()}, name="near and far")

for condition, a, b in [((3, 5), (3, 5), (3, 5)), ((5,), (3, 1), (1,)), ((2, 1, 4), (3, 1), (2, 3, 4)), ((0,), (1,), ())]:
    inputs = {"condition": torch.randint(0, 3, condition), "a": values(a, -3, 3, ()), "b": values(b, -3, 3, ())}
    case("where", lambda condition, a, b: torch.where(condition != 0, a, b), inputs, name="smooth")
inputs = {"condition": torch.randint(0, 2, (3, 8)), "a": values((8,), -3, 3, ())}
case("where", lambda condition, a: torch.where(condition != 0, a, torch.tensor(-1.5, dtype=a.dtype)), inputs, {"b": -1.5})

for op in ["eq", "ne", "gt", "ge", "lt", "le"]:
    compare = getattr(torch, op)
    pair(op, lambda a, b: compare(a, b).long(), domain=(-3, 4), learns=False)

row("erf", torch.erf)

write("elementwise")
