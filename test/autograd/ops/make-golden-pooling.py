"""Writes test/golden/ops/pooling.json and pooling.bin: random cases of max pooling with ceilMode and dilation, and of
average pooling, with PyTorch's results (see golden_cases.py).

Run with any Python that has torch (the golden files are from torch 1.13):
python3 test/autograd/ops/make-golden-pooling.py
"""

import torch
import torch.nn.functional as F

from golden_cases import case, random, write

torch.manual_seed(20240311)


def ties(*shape):
    return torch.randint(0, 3, shape).float().requires_grad_()


def max_pool(shape, kernel, stride, padding=0, ceil=False, dilation=1, values=(random, ties)):
    options = {"kernelSize": kernel, "stride": stride, "padding": padding, "ceilMode": ceil, "dilation": dilation}
    for make in values:
        case(
            "maxPool2d",
            lambda input: F.max_pool2d(input, kernel, stride, padding, dilation, ceil),
            {"input": make(*shape)},
            options,
        )


# The last window reaches beyond the image, or beyond the padding; it would begin in the padding and is left out; rows
# of whole vectors; a stride above the kernel; a kernel that is larger than the padded image.
max_pool((2, 3, 8, 7), 3, 2, ceil=True)
max_pool((1, 2, 9, 10), 3, 2, 1, ceil=True)
max_pool((1, 2, 7, 5), 2, 3, 1, ceil=True)
max_pool((1, 2, 6, 16), 3, 2, ceil=True)
max_pool((1, 2, 6, 7), (2, 1), (4, 3), ceil=True)
max_pool((1, 2, 2, 3), 5, 3, 2, ceil=True)
max_pool((1, 1, 2, 3), 4, (3, 2), 0, ceil=True)
max_pool((1, 2, 1, 1), 2, 2, 1, ceil=True)
max_pool((1, 2, 13, 20), (9, 6), (4, 5), (3, 2), ceil=True)
# Dilation, with padding that windows step over.
max_pool((2, 2, 9, 11), 3, 1, dilation=2)
max_pool((1, 2, 10, 9), (3, 2), (2, 3), (1, 1), dilation=(2, 3))
max_pool((1, 2, 9, 12), 3, 2, 1, ceil=True, dilation=(1, 3))
max_pool((1, 1, 7, 40), (1, 4), (1, 2), (0, 2), dilation=(1, 5))
max_pool((1, 1, 3, 5), 4, 1, 2, dilation=(2, 1))
# Windows whose taps all miss the image have the maximum minus infinity. Torch's backward would write out of bounds.
case(
    "maxPool2d",
    lambda input: F.max_pool2d(input, 2, 1, (1, 0), (2, 1)),
    {"input": random(1, 2, 1, 5, grad=False)},
    {"kernelSize": 2, "stride": 1, "padding": [1, 0], "dilation": [2, 1]},
    seed=None,
)
odd = torch.randn(1, 1, 7, 7)
odd[0, 0, 1, 1] = odd[0, 0, 3, 3] = float("nan")
odd[0, 0, 4:, 4:] = -float("inf")
for dilation, ceil in [(1, True), (2, True), (2, False)]:
    max_pool((1, 1, 7, 7), 3, 2, 1, ceil, dilation, values=[lambda *_: odd.clone().requires_grad_()])


def avg_pool(shape, kernel, stride=None, padding=0, ceil=False, count=True, divisor=None):
    options = {"kernelSize": kernel, "padding": padding, "ceilMode": ceil, "countIncludePad": count}
    if stride is not None:
        options["stride"] = stride
    if divisor is not None:
        options["divisorOverride"] = divisor
    case(
        "avgPool2d",
        lambda input: F.avg_pool2d(input, kernel, stride, padding, ceil, count, divisor),
        {"input": random(*shape)},
        options,
    )


avg_pool((2, 3, 9, 7), 2)
avg_pool((1, 1, 1, 1), 1)
avg_pool((1, 2, 19, 21), 3, 1, 1)
avg_pool((2, 2, 6, 28), 2, 2)
avg_pool((1, 2, 7, 16), 3, 2, 1)
avg_pool((1, 2, 6, 36), 4, 4, 1)
avg_pool((1, 2, 11, 13), (2, 3), (4, 5), (1, 1))
# Beyond what shaders unroll: many taps, many windows over a pixel, many pixels.
avg_pool((2, 2, 13, 11), 9, 1, 4)
avg_pool((1, 2, 30, 26), (13, 3), (14, 11), (2, 1))
avg_pool((1, 1, 30, 90), (7, 71), (10, 10), (3, 30))
avg_pool((1, 1, 3, 300), (1, 150), (1, 1), (0, 75), count=False)
# Windows that lie partly in the padding, or beyond it, with each divisor.
for count, divisor in [(True, None), (False, None), (True, 3)]:
    avg_pool((2, 2, 8, 7), 3, 2, 1, True, count, divisor)
    avg_pool((1, 1, 13, 17), 9, (4, 5), 4, True, count, divisor)
avg_pool((1, 2, 2, 3), 5, 3, 2, True)
avg_pool((2, 2, 7, 10), (4, 3), (3, 2), (2, 1), True)
avg_pool((2, 2, 7, 10), (4, 3), (3, 2), (2, 1), False, False)
avg_pool((1, 2, 6, 7), (2, 1), (4, 3), 0, True, False)
avg_pool((1, 1, 2, 3), 4, (3, 2), 0, True)
avg_pool((2, 3, 4, 5), 2, 1, divisor=1)

for shape, size in [
    ((2, 3, 9, 7), 1),
    ((2, 3, 9, 7), (3, 7)),
    ((2, 3, 12, 8), 4),
    ((1, 2, 7, 7), 7),
    ((1, 2, 7, 10), (3, 4)),
    ((2, 1, 13, 5), (5, 3)),
    ((1, 2, 5, 3), (7, 4)),
    ((1, 2, 1, 1), 3),
    ((1, 2, 2, 3), (4, 6)),
    ((1, 2, 8, 9), (1, 2)),
    ((1, 2, 8, 9), (2, 1)),
    ((1, 1, 17, 30), (6, 11)),
    ((1, 1, 3, 257), (2, 5)),
    ((1, 34, 4, 4), 3),
]:
    case("adaptiveAvgPool2d", lambda input: F.adaptive_avg_pool2d(input, size), {"input": random(*shape)}, {"size": size})

write("pooling")
