"""Writes test/golden/ops/ops.json and ops.bin: random cases of every op but convolution, with PyTorch's results
(see golden_cases.py). The optimizer's cases are in PyTorch's float32, because its steps are followed with their
rounding.

Run with any Python that has torch (the golden files are from torch 1.13):  python3 test/autograd/ops/make-golden.py
"""

import torch
import torch.nn.functional as F

from golden_cases import case, cases, random, store, write

torch.manual_seed(20240229)

# relu: zeros of both signs, infinities and NaN among the values.
case("relu", lambda input: F.relu(input), {"input": random(1)})
case("relu", lambda input: F.relu(input), {"input": random(3, 5, 7, 11)})
odd = torch.tensor([0.0, -0.0, float("inf"), -float("inf"), float("nan"), 1e-30, -1e-30, 3.0]).requires_grad_()
case("relu", lambda input: F.relu(input), {"input": odd})

case("add", lambda a, b: a + b, {"a": random(1), "b": random(1)})
case("add", lambda a, b: a + b, {"a": random(2, 3, 11, 13), "b": random(2, 3, 11, 13, grad=False)})

for shape in [(2, 3, 5, 7), (1, 5, 3, 3), (4, 7, 1, 1), (3, 66, 2, 3), (2, 2, 40, 33), (2, 3, 1, 19), (1, 1, 75, 63)]:
    for training in [True, False]:
        options = {"training": training}
        if shape[1] == 66:
            options.update(momentum=0.3, eps=1e-3)
        channels = shape[1]
        inputs = {
            "input": random(*shape, scale=2.0, mean=0.7),
            "weight": random(channels),
            "bias": random(channels),
            "runningMean": random(channels, grad=False),
            "runningVar": torch.rand(channels) + 0.2,
        }

        def batch_norm(input, weight, bias, runningMean, runningVar):
            return F.batch_norm(input, runningMean, runningVar, weight, bias, **options)

        case("batchNorm2d", batch_norm, inputs, options)

pools = [
    ((2, 3, 9, 7), 3, 2, 1),
    ((1, 2, 10, 11), (3, 2), (2, 3), (1, 0)),
    ((2, 1, 5, 5), 2, 2, 0),
    ((1, 3, 4, 3), 1, 1, 0),
    ((1, 2, 8, 9), 5, 1, 2),
    ((3, 2, 1, 1), 3, 2, 1),
    ((1, 1, 37, 70), 3, 2, 1),
    ((1, 2, 7, 12), (2, 4), (3, 5), (1, 2)),
]
for shape, kernel, stride, padding in pools:
    options = {"kernelSize": kernel, "stride": stride, "padding": padding}
    # Once with all values different, once with few different values, so that windows have ties.
    for values in [random(*shape), torch.randint(0, 3, shape).float().requires_grad_()]:
        case("maxPool2d", lambda input: F.max_pool2d(input, kernel, stride, padding), {"input": values}, options)
odd = torch.randn(1, 1, 6, 6)
odd[0, 0, 1, 1] = odd[0, 0, 1, 2] = float("nan")
odd[0, 0, 3:6, 3:6] = -float("inf")
odd[0, 0, 0, 5] = float("inf")
options = {"kernelSize": 3, "stride": 2, "padding": 1}
case("maxPool2d", lambda input: F.max_pool2d(input, 3, 2, 1), {"input": odd.requires_grad_()}, options)

for shape in [(2, 3, 7, 7), (1, 5, 1, 1), (3, 70, 5, 3), (1, 2, 64, 40)]:
    case("globalAvgPool2d", lambda input: F.adaptive_avg_pool2d(input, 1), {"input": random(*shape)})

case("flatten", lambda input: torch.flatten(input, 1), {"input": random(3, 5, 2, 3)})

for rows, inside, outside in [(1, 1, 1), (4, 512, 2), (3, 37, 10), (33, 20, 65), (5, 131, 9)]:
    scale = inside**-0.5
    inputs = {"input": random(rows, inside), "weight": random(outside, inside, scale=scale), "bias": random(outside)}
    case("linear", lambda input, weight, bias: F.linear(input, weight, bias), inputs)
inputs = {"input": random(3, 37), "weight": random(10, 37)}
case("linear", lambda input, weight: F.linear(input, weight), inputs)


def cross_entropy(logits, labels):
    return F.cross_entropy(logits, labels)


for rows, classes, scale in [(1, 2, 1), (4, 2, 3), (3, 1000, 2), (70, 5, 1), (2, 1, 1), (6, 65, 60)]:
    inputs = {"logits": random(rows, classes, scale=scale), "labels": torch.randint(0, classes, (rows,))}
    case("crossEntropy", cross_entropy, inputs, seed=torch.tensor(2.5))
# Confident logits: one row right, one wrong, far beyond the range of exp.
inputs = {"logits": torch.tensor([[300.0, -300.0], [300.0, -300.0]]).requires_grad_(), "labels": torch.tensor([0, 1])}
case("crossEntropy", cross_entropy, inputs)


def correct(logits, labels):
    return (logits.argmax(1) == labels).sum()


for rows, classes in [(1, 1), (4, 2), (70, 3), (5, 200)]:
    labels = torch.randint(0, classes, (rows,))
    logits = torch.randint(0, 4, (rows, classes)).float()  # ties
    logits[torch.arange(rows) % 2 == 0, labels[torch.arange(rows) % 2 == 0]] += 5
    case("countCorrect", correct, {"logits": logits, "labels": labels}, seed=None)
nan = float("nan")
logits = torch.tensor([[1, nan, 2, nan], [nan, 3, 4, 5], [7, 3, 7, 1], [-1, -2, -float("inf"), -1.5]])
case("countCorrect", correct, {"logits": logits, "labels": torch.tensor([1, 3, 0, 0])}, seed=None)

# The optimizer: three steps, each with its own gradient.
variants = [
    {"lr": 0.1},
    {"lr": 0.01, "weight_decay": 0.3},
    {"lr": 0.001, "momentum": 0.9},
    {"lr": 0.05, "momentum": 0.8, "dampening": 0.25, "weight_decay": 0.1},
    {"lr": 0.05, "momentum": 0.9, "nesterov": True, "weight_decay": 0.02},
]
for variant, size in zip(variants, [5, 37, 600, 1, 131]):
    param = torch.randn(size).requires_grad_()
    optimizer = torch.optim.SGD([param], **variant)
    entry = {"op": "sgd", "torch32": {}, "inputs": {"param": store(param)}, "expected": {}}
    entry["options"] = {"lr": variant["lr"], "momentum": variant.get("momentum", 0)}
    entry["options"]["dampening"] = variant.get("dampening", 0)
    entry["options"]["weightDecay"] = variant.get("weight_decay", 0)
    entry["options"]["nesterov"] = variant.get("nesterov", False)
    for step in range(3):
        param.grad = torch.randn(size)
        entry["inputs"][f"grad{step}"] = store(param.grad)
        optimizer.step()
        entry["expected"][f"param{step}"] = store(param)
    cases.append(entry)

# Kernels larger than shaders unroll, in both directions and in one. (New cases go to the end, because a case draws
# random numbers and the cases before it must keep theirs.)
for shape, kernel, stride, padding in [
    ((2, 2, 13, 11), 9, 1, 4),
    ((1, 2, 30, 26), (13, 3), (14, 11), (2, 1)),
    ((1, 3, 9, 12), (3, 2), (1, 1), (1, 1)),
]:
    options = {"kernelSize": kernel, "stride": stride, "padding": padding}
    for values in [random(*shape), torch.randint(0, 3, shape).float().requires_grad_()]:
        case("maxPool2d", lambda input: F.max_pool2d(input, kernel, stride, padding), {"input": values}, options)

# Batch norm with a residual and ReLU in the same op. A channel with weight and bias 0 is 0 before ReLU.
for shape in [(2, 3, 5, 7), (4, 7, 1, 1), (3, 34, 2, 2), (1, 2, 20, 16)]:
    for training in [True, False]:
        for relu, residual in [(True, False), (False, True), (True, True)]:
            options = {"training": training, "relu": relu}
            channels = shape[1]
            inputs = {
                "input": random(*shape, scale=2.0, mean=0.7),
                "weight": random(channels),
                "bias": random(channels),
                "runningMean": random(channels, grad=False),
                "runningVar": torch.rand(channels) + 0.2,
            }
            with torch.no_grad():
                inputs["weight"][-1] = inputs["bias"][-1] = 0
            if residual:
                inputs["residual"] = random(*shape)

            def batch_norm_then(input, weight, bias, runningMean, runningVar, residual=None):
                output = F.batch_norm(input, runningMean, runningVar, weight, bias, training)
                if residual is not None:
                    output = output + residual
                return F.relu(output) if relu else output

            case("batchNorm2d", batch_norm_then, inputs, options)


def batch_norm_relu(input, weight, bias, runningMean, runningVar):
    return F.relu(F.batch_norm(input, runningMean, runningVar, weight, bias))


inputs = {"input": random(1, 2, 3, 3), "weight": random(2), "bias": random(2)}
inputs["runningMean"], inputs["runningVar"] = random(2, grad=False), torch.rand(2) + 0.2
with torch.no_grad():
    inputs["input"][0, 0, 1, 1] = float("nan")
case("batchNorm2d", batch_norm_relu, inputs, {"training": False, "relu": True}, name="NaN stays NaN")

# Rows of inputs and of outputs that are whole vectors of 4 or 2 values.
for shape, kernel, stride, padding in [
    ((2, 3, 9, 32), 3, 2, 1),
    ((1, 2, 8, 20), 3, 2, 1),
    ((2, 2, 5, 28), 2, 2, 0),
    ((1, 2, 7, 16), 3, 1, 1),
    ((1, 2, 6, 36), 4, 4, 1),
]:
    options = {"kernelSize": kernel, "stride": stride, "padding": padding}
    for values in [random(*shape), torch.randint(0, 3, shape).float().requires_grad_()]:
        case("maxPool2d", lambda input: F.max_pool2d(input, kernel, stride, padding), {"input": values}, options)

case("reshape", lambda input: torch.reshape(input, (6, 5, 1)), {"input": random(3, 5, 2)}, {"shape": [6, 5, 1]})

write("ops")
