"""Writes test/golden/ops/conv2d-groups.json and conv2d-groups.bin: convolutions with groups and dilation, with
PyTorch's results (see golden_cases.py).

Run with any Python that has torch (the golden files are from torch 1.13):
python3 test/autograd/ops/make-golden-conv2d-groups.py
"""

import torch
import torch.nn.functional as F

from golden_cases import case, random, write

torch.manual_seed(20240302)


def conv2d(name, input, weight, stride=(1, 1), padding=(0, 0), dilation=(1, 1), groups=1):
    """`input`: N, C, H, W; `weight`: O, KH, KW."""
    out, height, width = weight
    channels = input[1] // groups
    # With this scale outputs are around 1, like the inputs.
    scale = (channels * height * width) ** -0.5
    inputs = {"input": random(*input), "weight": random(out, channels, height, width, scale=scale)}

    def run(input, weight):
        return F.conv2d(input, weight, None, stride, padding, dilation, groups)

    options = {"stride": list(stride), "padding": list(padding), "dilation": list(dilation), "groups": groups}
    case("conv2d", run, inputs, options, name=name)


conv2d("neither", (1, 3, 5, 4), (2, 3, 3), padding=(1, 1))
conv2d("groups", (2, 4, 5, 6), (6, 3, 3), padding=(1, 1), groups=2)
conv2d("groups of one channel", (1, 5, 7, 6), (5, 3, 3), (2, 2), (1, 1), groups=5)
conv2d("groups of one channel, two outputs each", (2, 3, 5, 4), (6, 2, 3), groups=3)
conv2d("groups, 1x1", (2, 6, 3, 5), (4, 1, 1), groups=2)
conv2d("dilation", (1, 3, 9, 8), (4, 3, 3), padding=(2, 2), dilation=(2, 2))
conv2d("dilation that differs by axis", (2, 2, 9, 6), (3, 3, 2), (2, 1), (2, 3), (3, 1))
conv2d("all of them", (2, 6, 11, 10), (9, 2, 3), (3, 2), (1, 4), (2, 3), 3)
conv2d("taps that meet only padding", (1, 2, 3, 3), (2, 3, 3), padding=(4, 4), dilation=(4, 4), groups=2)
conv2d("pixels that no tap reaches", (1, 2, 7, 7), (4, 2, 2), (4, 4), (0, 1), (2, 2), 2)

write("conv2d-groups")
