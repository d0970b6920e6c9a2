"""Writes test/golden/ops/batch-norm-offset.json and .bin: batch norm of channels far from 0 and of constant channels,
alone and after a convolution (see golden_cases.py).

Run with any Python that has torch (the golden files are from torch 1.13):
python3 test/autograd/ops/make-golden-batch-norm-offset.py
"""

import torch
import torch.nn.functional as F

from golden_cases import case, random, run, write

torch.manual_seed(20240301)

# Mean and standard deviation of a channel's values. At 10,000 neighbouring float32 values are a thousandth apart.
LEVELS = [(0, 1), (50, 1), (-50, 1), (1e4, 1), (-1e4, 1), (1e4, 0.01), (-50, 1e-4), (0.1, 0), (-50.1, 0), (1e4 / 3, 0)]
SHAPES = [(2, 16, 1, 1), (32, 4, 1, 1), (1, 8, 3, 5), (5, 4, 3, 5), (2, 4, 7, 7), (3, 6, 4, 4)]
ENDS = [(False, False), (True, False), (False, True), (True, True)]  # ReLU, residual


def statistics(channels, mean, deviation, fresh):
    """Running statistics as in a new layer (`fresh`), or close to those of the batch."""
    if fresh:
        return {"runningMean": torch.zeros(channels), "runningVar": torch.ones(channels)}
    deviation = deviation or 1
    return {
        "runningMean": random(channels, grad=False, scale=deviation, mean=mean),
        "runningVar": (torch.rand(channels) + 0.5) * deviation**2,
    }


def inputs_of(shape, mean, deviation, fresh, grad):
    channels = shape[1]
    return {
        "input": random(*shape, scale=deviation, mean=mean, grad=grad),
        "weight": random(channels, grad=grad),
        "bias": random(channels, grad=grad),
        **statistics(channels, mean, deviation, fresh),
    }


def batch_norm_case(shape, mean, deviation, training, relu, residual, fresh, eps=1e-5):
    inputs = inputs_of(shape, mean, deviation, fresh, grad=True)
    if residual:
        inputs["residual"] = random(*shape)

    def before_relu(input, weight, bias, runningMean, runningVar, residual=None):
        output = F.batch_norm(input, runningMean, runningVar, weight, bias, training, eps=eps)
        return output if residual is None else output + residual

    def batch_norm(**tensors):
        output = before_relu(**tensors)
        return F.relu(output) if relu else output

    seed = torch.randn(shape)
    if relu:
        # The seed is 0 where ReLU's input is 0 to within PyTorch's own rounding: its sign is arbitrary there.
        truth = run(before_relu, inputs, None, torch.float64)["output"]
        single = run(before_relu, inputs, None, torch.float32)["output"]
        seed[truth.abs() < 8 * (truth - single).abs().max() + 1e-5] = 0
    options = {"training": training, "relu": relu, **({} if eps == 1e-5 else {"eps": eps})}
    ends = f"{', ReLU' if relu else ''}{', residual' if residual else ''}{f', eps {eps}' if eps != 1e-5 else ''}"
    name = f"at {mean:g} ± {deviation:g} in {'training' if training else 'eval mode'}{ends}"
    case("batchNorm2d", batch_norm, inputs, options, seed=seed, name=name)


for i, shape in enumerate(SHAPES):
    for j, (mean, deviation) in enumerate(LEVELS):
        # Each level comes in every shape and with every end. Three of four cases are in training mode.
        relu, residual = ENDS[(i + j) % 4]
        batch_norm_case(shape, mean, deviation, (i + 2 * j) % 4 != 1, relu, residual, fresh=(i + j) % 3 == 0)
batch_norm_case((1, 2, 56, 56), 1e4, 1, True, False, False, fresh=True)
batch_norm_case((1, 1, 112, 112), -1e4 / 3, 0, True, True, False, fresh=False)
batch_norm_case((2, 3, 3, 5), 50.1, 0, True, False, False, fresh=True, eps=0)

# A convolution whose outputs are twice the next channel: its sums are exact, so every error is the batch norm's.
for j, (mean, deviation) in enumerate(LEVELS):
    # Only two combinations, because each is a shader that takes a while to compile.
    shape, (relu, residual) = [((2, 3, 3, 5), ENDS[0]), ((1, 4, 4, 4), ENDS[3])][j % 2]
    channels = shape[1]
    inputs = inputs_of(shape, mean, deviation, fresh=j % 3 == 0, grad=False)
    inputs["kernel"] = 2 * torch.roll(torch.eye(channels), 1, 1).reshape(channels, channels, 1, 1)
    if residual:
        inputs["residual"] = random(*shape, grad=False)

    def convolution_batch_norm(input, kernel, weight, bias, runningMean, runningVar, residual=None):
        output = F.batch_norm(F.conv2d(input, kernel), runningMean, runningVar, weight, bias)
        if residual is not None:
            output = output + residual
        return F.relu(output) if relu else output

    options = {"training": False, "relu": relu}
    name = f"at {mean:g} ± {deviation:g}"
    case("conv2dBatchNorm2d", convolution_batch_norm, inputs, options, seed=None, name=name)

write("batch-norm-offset")
