"""Writes test/golden/ops/layer-norm.json and layer-norm.bin: random cases of layer norm and group norm, with PyTorch's
results (see golden_cases.py).

Run with any Python that has torch (the golden files are from torch 1.13):
python3 test/autograd/ops/make-golden-layer-norm.py
"""

import torch
import torch.nn.functional as F

from golden_cases import case, random, write

torch.manual_seed(20240312)


def with_parameters(input, shape, weight=True, bias=True):
    inputs = {"input": input}
    if weight:
        inputs["weight"] = random(*shape)
    if bias:
        inputs["bias"] = random(*shape)
    return inputs


def layer_norm(input, shape, eps=None, name=None, **parameters):
    def run(input, weight=None, bias=None):
        return F.layer_norm(input, shape, weight, bias, 1e-5 if eps is None else eps)

    options = {"shape": list(shape), **({} if eps is None else {"eps": eps})}
    case("layerNorm", run, with_parameters(input, shape, **parameters), options, name=name)


def group_norm(input, groups, eps=None, name=None, **parameters):
    def run(input, weight=None, bias=None):
        # PyTorch 1.13 cannot differentiate group norm with a bias alone.
        weight = torch.ones_like(bias) if weight is None and bias is not None else weight
        return F.group_norm(input, groups, weight, bias, 1e-5 if eps is None else eps)

    options = {"groups": groups, **({} if eps is None else {"eps": eps})}
    case("groupNorm", run, with_parameters(input, input.shape[1:2], **parameters), options, name=name)


def spread(*shape):
    return random(*shape, scale=2.0, mean=0.7)


# Rows of one value, odd rows, rows of whole vectors; rows that one invocation sums and rows that a workgroup sums; more
# rows than one slice of the sums over rows.
layer_norm(spread(3, 1), (1,))
layer_norm(spread(9), (9,))
layer_norm(spread(2, 5), (5,))
layer_norm(spread(7, 12), (12,))
layer_norm(spread(3, 4, 5), (4, 5))
layer_norm(spread(2, 3, 5, 7), (7,))
layer_norm(spread(2, 3, 2, 7), (3, 2, 7), eps=1e-3)
layer_norm(spread(3, 131), (131,))
layer_norm(spread(2, 260), (260,))
layer_norm(spread(2, 1000), (1000,))
layer_norm(spread(1, 5003), (5003,), bias=False)
layer_norm(spread(140, 37), (37,))
layer_norm(spread(130, 3, 4), (3, 4))
layer_norm(spread(4, 70), (70,), weight=False, bias=False)
layer_norm(spread(4, 6), (6,), weight=False)
layer_norm(spread(4, 6), (6,), bias=False)
layer_norm(spread(3, 140), (140,), bias=False)
# Far from 0, where a plain sum of squares, or a rounded mean, loses digits.
for shape in [(5, 12), (3, 47), (2, 516), (1, 1001)]:
    layer_norm(random(*shape, mean=1000.0), shape[1:], name="far from 0")
layer_norm(random(3, 90, scale=0.05, mean=-30.0), (90,), name="far from 0, little apart")
with torch.no_grad():
    input = random(3, 37)
    input[0, 0] = input[1, 20] = 1e4
    input[2, :] = torch.linspace(-1e-3, 1e3, 37)
layer_norm(input, (37,), name="one value far from the others")
for shape in [(3, 6), (2, 200)]:
    input = (torch.zeros(shape) + torch.tensor([[0.1], [3000.0], [0.0]])[: shape[0]]).requires_grad_()
    layer_norm(input, shape[1:], name="constant rows")
layer_norm(random(3, 20, scale=1e-4), (20,), eps=1e-12, name="a variance below the usual eps")

for groups in [1, 2, 3, 6]:
    group_norm(spread(2, 6, 5, 7), groups)
group_norm(spread(3, 8, 4, 4), 2)
group_norm(spread(2, 24, 9), 4)
group_norm(spread(1, 4, 13, 33), 2, eps=1e-3)
# Planes of one value: each value of a group has a weight of its own.
group_norm(spread(5, 12), 3)
group_norm(spread(5, 16), 2)
group_norm(spread(3, 6, 1, 1), 2)
group_norm(spread(2, 400), 2)
group_norm(spread(4, 6, 1), 6, name="groups of one value")
group_norm(spread(90, 4, 3), 2)
group_norm(spread(2, 6, 2, 2), 3, weight=False, bias=False)
group_norm(spread(2, 6, 2, 2), 3, weight=False)
group_norm(spread(2, 6, 2, 2), 3, bias=False)
group_norm(random(2, 6, 7, 5, mean=1000.0), 2, name="far from 0")
group_norm(random(2, 4, 12, 11, scale=0.05, mean=-30.0), 1, name="far from 0, little apart")
group_norm(torch.full((2, 4, 3, 5), 0.1).requires_grad_(), 2, name="constant groups")

write("layer-norm")
