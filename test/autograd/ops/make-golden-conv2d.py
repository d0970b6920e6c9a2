"""Writes test/golden/ops/conv2d.json and conv2d.bin: convolutions with edge cases of all kinds, with PyTorch's results
(see golden_cases.py). Tests refer to the cases by `name`.

Run with any Python that has torch (the golden files are from torch 1.13):
python3 test/autograd/ops/make-golden-conv2d.py
"""

import torch
import torch.nn.functional as F

from golden_cases import case, random, write

torch.manual_seed(20240301)


def conv2d(name, input, weight, stride=(1, 1), padding=(0, 0), bias=True, frozen=()):
    """`input`: N, C, H, W; `weight`: O, KH, KW. `frozen` names the tensors that require no gradient."""
    out, height, width = weight
    # With this scale outputs are around 1, like the inputs.
    scale = (input[1] * height * width) ** -0.5
    inputs = {
        "input": random(*input, grad="input" not in frozen),
        "weight": random(out, input[1], height, width, scale=scale, grad="weight" not in frozen),
    }
    if bias:
        inputs["bias"] = random(out, grad="bias" not in frozen)

    def run(input, weight, bias=None):
        return F.conv2d(input, weight, bias, stride, padding)

    case("conv2d", run, inputs, {"stride": list(stride), "padding": list(padding)}, name=name)


# Sizes: the smallest; one and two tiles of channels (32, 64) with a remainder; widths that end inside a step of 4 or 7
# pixels.
conv2d("one pixel", (1, 1, 1, 1), (1, 1, 1))
conv2d("1x1", (2, 33, 3, 5), (70, 1, 1))
conv2d("2x2", (1, 3, 6, 12), (5, 2, 2))
conv2d("3x3", (2, 5, 9, 10), (33, 3, 3), padding=(1, 1))
conv2d("5x5", (1, 3, 7, 9), (5, 5, 5), padding=(2, 2))
conv2d("7x7", (1, 2, 9, 11), (3, 7, 7), padding=(3, 3))
conv2d("4x6", (1, 3, 6, 9), (5, 4, 6), padding=(2, 5))

# Strides: odd extents, uneven strides, and strides larger than the kernel, so that no output reads some pixels.
conv2d("3x3 stride 2", (1, 3, 11, 13), (70, 3, 3), (2, 2), (1, 1))
conv2d("3x3 stride 2, even extents", (2, 5, 8, 10), (4, 3, 3), (2, 2), (1, 1))
conv2d("3x3 stride 2 and 1", (1, 3, 8, 9), (5, 3, 3), (2, 1), (0, 1))
conv2d("3x3 stride 1 and 2", (1, 3, 5, 12), (5, 3, 3), (1, 2), (2, 0))
conv2d("1x1 stride 2", (2, 70, 5, 7), (33, 1, 1), (2, 2))
conv2d("2x2 stride 2 and 3", (2, 3, 8, 13), (5, 2, 2), (2, 3), (0, 2))
conv2d("4x6 stride 2 and 3", (1, 3, 7, 11), (5, 4, 6), (2, 3), (2, 5))
conv2d("2x2 stride 5 and 3", (1, 2, 13, 14), (3, 2, 2), (5, 3))
conv2d("1x1 in wide padding", (1, 2, 3, 4), (3, 1, 1), padding=(2, 3))
conv2d("kernel as large as the input", (3, 2, 3, 3), (5, 3, 3))

# The weight gradient's sum cut into slices: with a shorter last slice; with slices that end inside a step over the
# pixels (`tiled` cuts such slices only for large weights).
conv2d("many rows", (3, 4, 20, 16), (6, 2, 2))
conv2d("64x64", (1, 1, 86, 87), (1, 64, 64))

# Missing operands and gradients.
conv2d("without bias", (2, 5, 4, 6), (4, 3, 3), padding=(1, 1), bias=False)
conv2d("input without gradient", (2, 3, 4, 6), (4, 3, 3), padding=(1, 1), frozen=("input",))
conv2d("weight without gradient", (2, 3, 4, 6), (4, 3, 3), padding=(1, 1), frozen=("weight",))
conv2d("bias only", (1, 3, 4, 6), (4, 3, 3), padding=(1, 1), frozen=("input", "weight"))

# Layers of ResNet-18, with fewer channels and pixels.
conv2d("ResNet 7x7 stride 2", (1, 3, 33, 31), (64, 7, 7), (2, 2), (3, 3), bias=False)
conv2d("ResNet 3x3", (1, 16, 14, 14), (40, 3, 3), padding=(1, 1), bias=False)
conv2d("ResNet 3x3 stride 2", (1, 16, 14, 14), (40, 3, 3), (2, 2), (1, 1), bias=False)
conv2d("ResNet 1x1 stride 2", (1, 16, 14, 14), (40, 1, 1), (2, 2), bias=False)

# More 4x4 output tiles and more channels than one tile of a matrix product holds, and padding that differs by axis.
conv2d("3x3, many tiles", (1, 3, 26, 27), (67, 3, 3), padding=(0, 2))
conv2d("3x3, many channels", (1, 67, 5, 6), (5, 3, 3), padding=(2, 1))

write("conv2d")
