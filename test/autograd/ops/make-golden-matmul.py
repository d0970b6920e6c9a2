"""Writes test/golden/ops/matmul.json and matmul.bin: products of matrices, vectors and batches, and linear layers
without values, with PyTorch's results (see golden_cases.py).

Run with any Python that has torch (the golden files are from torch 1.13):
python3 test/autograd/ops/make-golden-matmul.py
"""

import torch
import torch.nn.functional as F

from golden_cases import case, random, write

torch.manual_seed(20261130)


def matmul(name, a, b, transpose_a=False, transpose_b=False, grads=(True, True), op="matmul"):
    """`a` and `b` are shapes. Elements of the result are around 1, like those of `a`. `op` groups the cases."""
    terms = max(1, b[-1] if transpose_b or len(b) == 1 else b[-2])
    inputs = {"a": random(*a, grad=grads[0]), "b": random(*b, grad=grads[1], scale=terms**-0.5)}

    def run(a, b):
        return torch.matmul(a.transpose(-1, -2) if transpose_a else a, b.transpose(-1, -2) if transpose_b else b)

    options = {"transposeA": transpose_a, "transposeB": transpose_b}
    seed = True if any(grads) else None
    chosen = {key: value for key, value in options.items() if value}
    case(op, run, inputs, chosen, seed=seed, name=name)


# Every pair of ranks.
matmul("of vectors", (7,), (7,))
matmul("of a vector and a matrix", (7,), (7, 5))
matmul("of a matrix and a vector", (5, 7), (7,))
matmul("of matrices", (5, 7), (7, 3))
matmul("of a vector and matrices", (7,), (3, 7, 5))
matmul("of matrices and a vector", (3, 5, 7), (7,))
matmul("of batches of vectors", (2, 3, 1, 7), (2, 3, 7, 1))
matmul("of one element", (1,), (1,))
matmul("of one element each", (1, 1, 1), (1, 1))

# Transposed operands, at tiles and more, and at lines that are no whole vectors.
for size in ((65, 7, 33), (64, 8, 36), (1, 65, 7), (130, 1, 7), (7, 130, 1), (2, 6, 130)):
    m, k, n = size
    for transpose_a in (False, True):
        for transpose_b in (False, True):
            a = (k, m) if transpose_a else (m, k)
            b = (n, k) if transpose_b else (k, n)
            matmul(None, a, b, transpose_a, transpose_b, op="matmul of transposed operands")

# A sum that is cut into slices.
matmul("of many terms", (2, 1100), (1100, 3))
matmul("of vectors of many terms", (2100,), (2100,))

# Batches that broadcast, and operands that are transposed in them.
for a, b in (
    ((3,), (3,)),
    ((3,), ()),
    ((), (3,)),
    ((3,), (1,)),
    ((1,), (3,)),
    ((2, 3), (3,)),
    ((3,), (2, 3)),
    ((2, 1), (3,)),
    ((2, 1, 2), (1, 3, 1)),
    ((2, 3, 1, 2), (3, 2, 1)),
):
    for transpose_a in (False, True):
        for transpose_b in (False, True):
            matmul(
                None,
                (*a, *((7, 3) if transpose_a else (3, 7))),
                (*b, *((5, 7) if transpose_b else (7, 5))),
                transpose_a,
                transpose_b,
                op="matmul of batches",
            )
matmul("of a batch at a tile and more", (2, 65, 6), (6, 33))
matmul("of queries and keys", (2, 2, 9, 8), (2, 2, 36, 8), transpose_b=True)

# A gradient of either alone.
matmul("with a gradient of a alone", (3, 4, 7), (7, 5), grads=(True, False))
matmul("with a gradient of b alone", (3, 4, 7), (7, 5), grads=(False, True))
matmul("without gradients", (3, 4, 7), (7, 5), grads=(False, False))

# Without terms, rows, columns or batches.
matmul("without terms", (3, 0), (0, 5))
matmul("without terms, transposed", (0, 3), (5, 0), True, True)
matmul("of vectors without values", (0,), (0,))
matmul("without rows", (0, 7), (7, 5))
matmul("without columns", (3, 7), (7, 0))
matmul("without rows and terms", (0, 0), (0, 5))
matmul("without batches", (0, 3, 7), (7, 5))
matmul("without batches of b", (3, 7), (0, 7, 5))
matmul("with batches that broadcast to none", (1, 3, 7), (0, 7, 5))


def linear(name, rows, inputs, outputs, bias=True):
    tensors = {"input": random(rows, inputs), "weight": random(outputs, inputs)}
    if bias:
        tensors["bias"] = random(outputs)
    case("linear", lambda input, weight, bias=None: F.linear(input, weight, bias), tensors, name=name)


linear("without rows", 0, 7, 5)
linear("without inputs", 3, 0, 5)
linear("without inputs and bias", 3, 0, 5, bias=False)
linear("without outputs", 3, 7, 0)
linear("without rows and inputs", 0, 0, 5)
linear("at several tiles", 34, 20, 66)

write("matmul")
