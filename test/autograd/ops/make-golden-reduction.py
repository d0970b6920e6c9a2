"""Writes test/golden/ops/reduction.json and reduction.bin: cases of the reductions and of softmax, with PyTorch's
results (see golden_cases.py).

Run with any Python that has torch (the golden files are from torch 1.13):
python3 test/autograd/ops/make-golden-reduction.py
"""

import torch

from golden_cases import case, random, write

torch.manual_seed(20260117)
nan, inf = float("nan"), float("inf")

CALLS = {
    "sum": lambda x, dims, keepdim: x.sum(dims, keepdim),
    "mean": lambda x, dims, keepdim: x.mean(dims, keepdim),
    "max": lambda x, dims, keepdim: x.amax(dims, keepdim),
    "min": lambda x, dims, keepdim: x.amin(dims, keepdim),
    "logsumexp": lambda x, dims, keepdim: x.logsumexp(dims, keepdim),
}
PLACES = {"argmax": torch.argmax, "argmin": torch.argmin}
SOFTMAX = {"softmax": torch.softmax, "logSoftmax": torch.log_softmax}


def reduction(op, values, dims=None, keepdim=False, **more):
    """`dims` are those of the op; all of them for None."""
    all_dims = tuple(range(values.dim()))
    options = {} if dims is None else {"dims": dims}
    if keepdim:
        options["keepdim"] = True
    torch_dims = all_dims if dims is None else dims
    case(op, lambda input: CALLS[op](input, torch_dims, keepdim), {"input": values}, options, **more)


def place(op, values, dim=None, keepdim=False, **more):
    options = {} if dim is None else {"dim": dim}
    if keepdim:
        options["keepdim"] = True
    call = lambda input: PLACES[op](input, dim, keepdim)
    case(op, call, {"input": values.detach()}, options, seed=None, **more)


def normalised(op, values, dim, **more):
    case(op, lambda input: SOFTMAX[op](input, dim), {"input": values}, {"dim": dim}, **more)


def tied(*shape):
    return torch.randint(-2, 3, shape).float().requires_grad_()


# Every set of dimensions of five; rows, columns and planes, as vectors and not; rank 0 to 5; one element.
for op in CALLS:
    values = tied if op in ("max", "min") else random
    for dims in [0, 1, -1, [0, 1], [0, 2], [1, 3], [0, 2, 4], [1, 2, 3], [0, 1, 3, 4], [-1, 0], [4, 3, 2, 1, 0]]:
        reduction(op, values(2, 3, 4, 2, 5), dims)
    reduction(op, random(2, 3, 4, 2, 5))
    reduction(op, random())
    reduction(op, random(), 0)
    reduction(op, random(1))
    reduction(op, random(1, 1, 1), [0, 2])
    reduction(op, values(3, 1, 5), 1)
    reduction(op, values(7, 5), [], keepdim=True) if op in ("sum", "mean") else None
    for keep in [True, False]:
        reduction(op, values(3, 17), 1, keep)
        reduction(op, values(3, 5, 8), [0, 2], keep)
    reduction(op, values(5, 64), 1)
    reduction(op, values(19, 12), 0)
    reduction(op, values(2, 131, 3), 1)
    reduction(op, values(41, 17), 0)
    reduction(op, values(2, 37, 4), -2)
    reduction(op, values(130, 3), 1)
    # Without values.
    reduction(op, random(0, 3), 1)
    if op not in ("max", "min"):
        reduction(op, random(0, 3), 0)
        reduction(op, random(3, 0), 1, True)
        reduction(op, random(2, 0, 3))
for op in PLACES:
    for dim in [0, 1, -1, None]:
        for keep in [True, False]:
            place(op, tied(3, 7, 5), dim, keep)
    place(op, random())
    place(op, random(), 0)
    place(op, random(1), -1)
    place(op, tied(5, 64), 1)
    place(op, tied(33, 12), 0)
    place(op, tied(2, 131, 3), 1)
    place(op, tied(130, 3), 1)
    place(op, random(0, 3), 1)
for op in SOFTMAX:
    for dim in [0, 1, 2, -1, -2]:
        normalised(op, random(3, 7, 5, scale=2.0), dim)
    normalised(op, random(), 0)
    normalised(op, random(1), -1)
    normalised(op, random(2, 1, 3), 1)
    normalised(op, random(5, 64, scale=3.0), 1)
    normalised(op, random(33, 12), 0)
    normalised(op, random(2, 131, 3), 1)
    normalised(op, random(2, 300), -1)
    normalised(op, random(130, 3), 1)
    normalised(op, random(2, 2, 2, 2, 2), 3)
    normalised(op, random(0, 3), 0)
    normalised(op, random(3, 0), 1)
    # Far from 0: exp would overflow.
    normalised(op, random(4, 9, scale=3.0, mean=1000.0), 1)
    normalised(op, random(9, 4, scale=40.0, mean=-500.0), 0)

# NaN, infinities, zeros of both signs.
odd = torch.tensor(
    [
        [1.0, nan, 2.0, nan, 3.0],
        [3.0, 3.0, 1.0, -inf, 3.0],
        [inf, inf, 0.0, 1.0, -inf],
        [-inf, -inf, -inf, -inf, -inf],
        [-0.0, 0.0, -0.0, 0.0, -0.0],
        [-1.0, -2.0, -inf, -1.5, -1.0],
        [nan, inf, -inf, -nan, 0.0],
    ]
)
for op in [*CALLS, *PLACES, *SOFTMAX]:
    run = reduction if op in CALLS else place if op in PLACES else normalised
    for dim in [0, 1]:
        run(op, odd.clone().requires_grad_(), dim, name=f"NaN and infinities along {dim}")
    # Four values at a time, in rows and in columns.
    wide = odd[:, :4].contiguous()
    run(op, wide.clone().requires_grad_(), 1, name="NaN and infinities in rows of 4")
    run(op, wide.t().repeat(1, 4).contiguous().requires_grad_(), 0, name="NaN and infinities in 28 columns")

# Far from 0: exp would overflow.
reduction("logsumexp", random(4, 9, scale=3.0, mean=1000.0), 1)
reduction("logsumexp", random(9, 4, scale=40.0, mean=-500.0), 0)

write("reduction")
