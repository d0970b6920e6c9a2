"""Writes test/golden/ops/shape.json and shape.bin: ops that copy values to other places, with PyTorch's results (see
golden_cases.py).

Run with any Python that has torch (the golden files are from torch 1.13):
python3 test/autograd/ops/make-golden-shape.py
"""

import torch
import torch.nn.functional as F

from golden_cases import case, random, write

torch.manual_seed(20240304)


def whole(*shape):
    """Integers as large as u32 has them."""
    return torch.randint(0, 2**32, shape)


def one(op, function, input, **options):
    """A case of an op with one input: a shape for random values, or a tensor."""
    tensor = input if torch.is_tensor(input) else random(*input)
    seed = True if tensor.is_floating_point() else None
    case(op, lambda input: function(input), {"input": tensor}, options, seed=seed)


odd = torch.tensor([[0.0, -0.0, float("inf")], [-float("inf"), float("nan"), 1e-40]]).requires_grad_()

# Axes that stay last are copied four at a time if they divide by 4. An extent of 1 moves nothing.
for input, a, b in [
    ((3, 5), 0, 1), ((1, 1), 0, 1), ((7, 1), 0, 1), ((2, 3, 5), 0, 2), ((2, 3, 5), -1, -2), ((3, 5, 8), 0, 1),
    ((19, 37), 1, 0), ((2, 17, 35), 2, 1), ((32, 32), 0, 1), ((3, 5), 1, 1), ((), 0, -1), ((0, 3), 0, 1),
    ((2, 0, 5), 1, 2), (odd, 0, 1), (whole(3, 7), 0, 1),
]:  # fmt: skip
    one("transpose", lambda input: input.transpose(a, b), input, dim0=a, dim1=b)

for input, dims in [
    ((5,), [0]), ((), []), ((2, 3, 5, 7), [0, 2, 3, 1]), ((2, 7, 5, 3), [0, 3, 1, 2]), ((2, 3, 4, 8), [2, 0, 1, 3]),
    ((2, 3, 5), [0, 1, 2]), ((3, 2, 5, 4, 3), [4, -2, 2, 1, 0]), ((2, 3, 1, 2, 4, 3), [3, 5, 1, 0, 2, 4]),
    ((2, 1, 3, 2, 1, 2, 3, 2), [7, 6, 5, 4, 3, 2, 1, 0]), ((2,) * 9, [8, 7, 6, 5, 4, 3, 2, 1, 0]),
    ((2, 0, 3), [2, 0, 1]), (whole(3, 2, 5), [1, 2, 0]),
]:  # fmt: skip
    one("permute", lambda input: input.permute(dims), input, dims=dims)

for input, dim, start, length in [
    ((5,), 0, 1, 3), ((1,), 0, 0, 1), ((5,), 0, 5, 0), ((5,), -1, -3, 2), ((3, 7, 5), 1, 2, 4), ((3, 7, 5), 0, 1, 1),
    ((3, 7, 5), 2, 4, 1), ((6, 8, 4), 1, 3, 5), ((3, 16), 1, 4, 8), ((3, 5), 1, 0, 5), ((20, 33), -2, 7, 10),
    ((3, 0, 5), 0, 1, 2), ((3, 0, 5), 1, 0, 0), (odd, 1, 1, 2), (whole(4, 5), 1, 1, 3),
]:  # fmt: skip
    one("narrow", lambda input: input.narrow(dim, start, length), input, dim=dim, start=start, length=length)


def several(op, function, inputs, dim):
    tensors = {f"t{i}": value if torch.is_tensor(value) else random(*value) for i, value in enumerate(inputs)}
    learnt = any(value.requires_grad for value in tensors.values())
    case(op, lambda **tensors: function(list(tensors.values()), dim), tensors, {"dim": dim}, True if learnt else None)


for inputs, dim in [
    ([(3, 5)], 0), ([(1,), (1,)], 0), ([(3, 5), (2, 5)], 0), ([(3, 5), (3, 2)], 1), ([(3, 5), (3, 2)], -1),
    ([(2, 3, 5), (2, 7, 5), (2, 1, 5)], 1), ([(2, 4), (2, 8)], 1), ([(9, 13, 3), (9, 20, 3)], 1),
    ([(i, 3) for i in (2, 0, 1, 5, 3, 1, 4, 0, 2)], 0), ([(2, 1, i) for i in (2, 0, 1, 5, 3, 1, 4, 0, 2)], 2),
    ([(0,), (2, 3), (0,), (1, 3)], 0), ([(0,), (2, 3), (2, 1)], 1), ([(0,), (0,)], 0), ([(0,), (3,)], 0),
    ([(0, 3), (0, 2)], 1), ([(2, 3), random(4, 3, grad=False), (1, 3)], 0), ([odd, (1, 3)], 0),
    ([whole(2, 3), whole(2, 5)], 1),
]:  # fmt: skip
    several("concat", torch.cat, inputs, dim)

for inputs, dim in [
    ([()], 0), ([(), ()], 0), ([(), ()], -1), ([(3, 5)] * 3, 0), ([(3, 5)] * 3, 1), ([(3, 5)] * 9, -1), ([(2, 8)] * 2, 1),
    ([(0,), (0,)], 1), ([(2, 0)] * 3, 0), ([(17, 20), random(17, 20, grad=False)], -2), ([whole(3)] * 2, 1),
]:  # fmt: skip
    several("stack", torch.stack, inputs, dim)

for input, shape in [
    ((), []), ((), [2, 3]), ((1,), [1]), ((5,), [3, 5]), ((3, 1), [2, -1, 4]), ((3, 1), [3, 5]), ((1, 3), [7, 3]),
    ((2, 1, 3, 1), [5, 2, 4, 3, 7]), ((1, 8), [35, 8]), ((1, 1), [20, 70]), ((3, 5), [-1, -1]), ((1,), [0]),
    ((3, 1), [3, 0]), ((3, 1), [0, 3, 2]), ((0, 1), [0, 4]), ((1, 2, 1, 2, 1, 2, 1), [2, 2, 3, 2, 2, 2, 2]),
    (whole(3, 1), [2, 3, 4]),
]:  # fmt: skip
    one("expand", lambda input: input.expand(shape), input, shape=shape)

for input, padding, value in [
    ((5,), [2, 3], 0), ((1,), [1, 0], 0), ((), [], 0), ((5,), [], 0), ((5,), [0, 0], 0), ((5,), [-2, 1], 0.5),
    ((5,), [1, -3], -2), ((5,), [-1, -2], 0), ((5,), [-2, -3], 0), ((2, 3, 5), [1, 2], 3), ((2, 3, 5), [0, 0, 2, 1], 1),
    ((2, 3, 5), [0, 0, 0, 0, 1, 2], 1), ((2, 3, 5), [1, 0, -1, 2, 0, 1], 1), ((3, 8), [4, 8, 1, 0], 1),
    ((3, 8, 4), [0, 0, -4, 4], 1), ((2, 3, 9, 7), [1, 1, 1, 1], 0), ((2, 1, 17, 20), [3, 2, 1, 4], 7),
    ((2, 3, 2, 3, 2), [1, 0, 0, 1, 2, 1, 0, 1, 1, 1], 9), ((0, 3), [1, 1], 2), ((0, 3), [0, 0, 1, 2], 2),
    ((2, 0), [2, 1], 0.25), (odd, [1, 1, 0, 1], 1), (whole(2, 3), [1, 2], 7),
]:  # fmt: skip
    one("pad", lambda input: F.pad(input, padding, value=value), input, padding=padding, value=value)
infinite = {"padding": [1, 1], "mode": "constant"}
one("pad", lambda input: F.pad(input, [1, 1]), (2, 3), **infinite)

for mode, input, padding in [
    ("reflect", (1, 2), [1, 1]), ("reflect", (3, 5), [4, 4]), ("reflect", (2, 3, 5), [2, 1]),
    ("reflect", (1, 5), [-2, 1]), ("reflect", (1, 5), [4, -7]), ("reflect", (2, 1), [0, 0]),
    ("reflect", (2, 3, 9, 7), [3, 2, 1, 4]), ("reflect", (3, 4, 8), [0, 0, 2, 1]), ("reflect", (2, 9, 16), [7, 9, 8, 1]),
    ("reflect", (1, 2, 4, 5, 3), [2, 1, 0, 3, 1, 2]), ("reflect", (3, 4, 5, 3), [2, 1, 0, 3, 1, 2]),
    ("reflect", (0, 3, 5), [1, 1]),
    ("replicate", (3, 1), [2, 5]), ("replicate", (1, 3, 5), [70, 40]), ("replicate", (1, 5), [-2, 1]),
    ("replicate", (1, 5), [4, -7]), ("replicate", (2, 3, 9, 7), [3, 2, 1, 14]), ("replicate", (2, 9, 16), [7, 9, 8, 1]),
    ("replicate", (1, 2, 4, 5, 3), [2, 1, 0, 3, 1, 9]), ("replicate", (3, 4, 8), [0, 0, 2, 1]),
    ("replicate", (0, 3, 5), [1, 1]),
    ("circular", (2, 1, 1), [1, 1]), ("circular", (2, 3, 5), [5, 5]), ("circular", (2, 3, 5), [0, 2]),
    ("circular", (2, 3, 9, 7), [3, 2, 1, 4]), ("circular", (1, 1, 9, 16), [7, 9, 8, 1]),
    ("circular", (1, 2, 4, 5, 3), [2, 1, 0, 3, 1, 4]), ("circular", (1, 3, 4, 8), [0, 0, 2, 1]),
    ("circular", (2, 0, 5), [1, 1]),
]:  # fmt: skip
    one("pad", lambda input: F.pad(input, padding, mode=mode), input, padding=padding, mode=mode)


def index_select(input, dim, index):
    tensor = input if torch.is_tensor(input) else random(*input)
    seed = True if tensor.is_floating_point() else None
    inputs = {"input": tensor, "index": torch.as_tensor(index, dtype=torch.int64)}
    case("indexSelect", lambda input, index: input.index_select(dim, index), inputs, {"dim": dim}, seed=seed)


for input, dim, index in [
    ((1,), 0, [0]), ((5,), 0, [4, 0, 4, 2, 4]), ((5, 3), 0, [3]), ((5, 3), 0, 2), ((), 0, [0]), ((5, 3), 1, [2, 0, 2, 2]),
    ((2, 5, 3), 1, [4, 4, 1, 0, 4, 1, 3]), ((2, 5, 3), -1, [1, 1]), ((7, 8), 0, [6, 2, 6, 0, 1, 2, 2, 6]),
    ((5, 3), 0, []), ((0, 3), 1, [1, 1]), ((3, 0), 0, [2, 1, 2, 2]), ((0, 3), 0, []),
    # More than one block of sorted indices, and an incomplete run to merge.
    ((11, 3), 0, torch.randint(0, 11, (65,))), ((9, 4), 0, torch.randint(2, 7, (300,))), ((70,), 0, torch.randperm(70)),
    ((4, 3), 0, [1] * 150), ((9, 9, 2), 1, torch.randint(0, 9, (20,))), (whole(5, 3), 0, [4, 1, 1, 0]),
]:  # fmt: skip
    index_select(input, dim, index)

for input, dim in [((1, 3, 1), None), ((1, 3, 1), 0), ((1, 3, 1), -1), ((2, 3), 1), ((), 0), ((1, 0), None)]:
    one("squeeze", lambda input: input.squeeze() if dim is None else input.squeeze(dim), input, dim=dim)
for input, dim in [((2, 3), 0), ((2, 3), -1), ((2, 3), -3), ((), -1), ((0,), 1), (whole(3), 1)]:
    one("unsqueeze", lambda input: input.unsqueeze(dim), input, dim=dim)
for input, dims in [
    ((5,), [0]), ((1,), [0]), ((), [0]), ((3, 5), []), ((3, 5), [0]), ((3, 5), [-1]), ((3, 4, 8), [0, 1]),
    ((20, 33), [1, 0]), ((2, 3, 2, 5), [3, 1]), ((0, 3), [0]), (odd, [1]), (whole(7), [0]),
]:  # fmt: skip
    one("flip", lambda input: input.flip(dims), input, dims=dims)
for input, start, end in [
    ((3, 5, 2, 3), 1, -1), ((3, 5, 2, 3), 0, -1), ((3, 5, 2, 3), 1, 2), ((3, 5), -1, -1), ((), 0, -1), ((5,), 0, 0),
    ((0, 3, 2), 1, -1), ((2, 0, 3), 1, -1), ((2, 0, 3), 0, 1), (whole(2, 3, 2), 1, -1),
]:  # fmt: skip
    one("flatten", lambda input: input.flatten(start, end), input, startDim=start, endDim=end)

write("shape")
