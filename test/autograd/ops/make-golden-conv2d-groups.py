"""Writes test/golden/ops/conv2d-groups.json and conv2d-groups.bin: convolutions with groups and dilation, with
PyTorch's results (see golden_cases.py).

Run with any Python that has torch (the golden files are from torch 1.13):
python3 test/autograd/ops/make-golden-conv2d-groups.py
"""

import torch
import torch.nn.functional as F

from golden_cases import case, random, write

torch.manual_seed(20240302)


def conv2d(name, input, weight, stride=(1, 1), padding=(0, 0), dilation=(1, 1), groups=1, bias=False):
    """`input`: N, C, H, W; `weight`: O, KH, KW."""
    out, height, width = weight
    channels = input[1] // groups
    # With this scale outputs are around 1, like the inputs.
    scale = (channels * height * width) ** -0.5
    inputs = {"input": random(*input), "weight": random(out, channels, height, width, scale=scale)}

    if bias:
        inputs["bias"] = random(out)

    def run(input, weight, bias=None):
        return F.conv2d(input, weight, bias, stride, padding, dilation, groups)

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
conv2d("groups of four channels, with a bias", (2, 16, 5, 9), (16, 3, 3), padding=(1, 1), groups=4, bias=True)
conv2d("groups of more channels than a tile", (1, 6, 3, 4), (140, 3, 3), (2, 1), (1, 1), groups=2)


def depthwise(name, input, kernel, *rest, multiplier=1, **options):
    conv2d(f"depthwise {name}", input, (input[1] * multiplier, *kernel), *rest, groups=input[1], **options)


depthwise("3x3", (2, 5, 9, 11), (3, 3), padding=(1, 1), bias=True)
depthwise("3x3, rows of whole vectors", (2, 3, 6, 16), (3, 3), padding=(1, 1))
depthwise("3x3 of two outputs each", (2, 3, 7, 8), (3, 3), (2, 2), (1, 1), multiplier=2)
depthwise("3x3 stride 2, even extents", (2, 4, 8, 12), (3, 3), (2, 2), (1, 1))
depthwise("3x3 stride 2 and 1, odd extents", (1, 3, 9, 7), (3, 3), (2, 1), (0, 1))
depthwise("3x3, many rows", (3, 2, 37, 5), (3, 3), padding=(1, 1))
depthwise("5x5", (1, 3, 7, 14), (5, 5), padding=(2, 2))
depthwise("5x5 stride 2", (2, 3, 11, 13), (5, 5), (2, 2), (2, 2))
depthwise("7x7", (2, 3, 9, 8), (7, 7), padding=(3, 3))
depthwise("2x4", (1, 3, 5, 6), (2, 4), padding=(1, 1))
depthwise("1x1 stride 2", (2, 3, 5, 6), (1, 1), (2, 2))
depthwise("dilation 2", (1, 3, 9, 10), (3, 3), padding=(2, 2), dilation=(2, 2))
depthwise("dilation 2 and 3, stride 2 and 1", (2, 2, 11, 12), (3, 3), (2, 1), (2, 3), (2, 3), multiplier=3)
depthwise("dilation 3, stride 2", (1, 2, 13, 9), (3, 3), (2, 2), (3, 3), (3, 3))
depthwise("of one pixel", (1, 4, 1, 1), (3, 3), padding=(1, 1))
depthwise("kernel as large as the input", (2, 4, 3, 5), (3, 5))

write("conv2d-groups")
