"""Writes test/golden/ops/embedding.json and embedding.bin: embeddings with PyTorch's results (see golden_cases.py).

Run with any Python that has torch (the golden files are from torch 1.13):
python3 test/autograd/ops/make-golden-embedding.py
"""

import torch
import torch.nn.functional as F

from golden_cases import case, random, write

torch.manual_seed(20240502)


def embedding(padding):
    return lambda weight, index: F.embedding(index, weight, padding)


for shape, rows, width, padding in [
    ((), 1, 1, None),
    ((7,), 5, 3, None),
    ((7,), 5, 3, 0),
    ((3, 11), 7, 8, 6),
    ((3, 11), 7, 8, -2),
    ((2, 3, 5), 4, 17, 1),
    # Many equal indices, and rows that no index picks.
    ((700,), 3, 5, None),
    ((700,), 3, 5, 1),
    ((9,), 300, 4, None),
]:
    options = {} if padding is None else {"paddingIdx": padding}
    inputs = {"weight": random(rows, width), "index": torch.randint(0, rows, shape)}
    case("embedding", embedding(padding), inputs, options)

write("embedding")
