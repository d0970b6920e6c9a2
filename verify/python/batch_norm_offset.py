"""batch_norm_offset.py IN OUT CASES: batch norm in float32 and float64 on the cases of the JSON file CASES.

IN holds each case's inputs under the index of its data (0.input, 0.weight, …), and our devices' results under the index
of the case (case0.device0.output, …). For each result (case0.output, …) writes two rows, root mean square and largest:
of PyTorch's float64, the truth, and then of the errors of PyTorch's float32 and of our devices.
"""
import json
import sys

import torch
import torch.nn.functional as F
from common import read, write

source, destination, cases = sys.argv[1:4]
torch.set_num_threads(1)
tensors = read(source)
NAMES = ["input", "weight", "bias", "runningMean", "runningVar", "residual", "outputGrad", "kernel"]


def run(case, dtype):
    given = {name: tensors[f"{case['data']}.{name}"].to(dtype, copy=True) for name in NAMES}
    leaves = {name: given[name].requires_grad_() for name in ["input", "weight", "bias"]}
    x = F.conv2d(given["input"], given["kernel"]) if case["convolution"] else given["input"]
    running = given["runningMean"], given["runningVar"]
    output = F.batch_norm(x, *running, given["weight"], given["bias"], case["training"])
    if case["residual"]:
        output = output + given["residual"]
    if case["relu"]:
        output = F.relu(output)
    output.backward(given["outputGrad"])
    grads = {f"{name}Grad": leaf.grad for name, leaf in leaves.items()}
    return {"output": output.detach(), "runningMean": running[0], "runningVar": running[1], **grads}


def sizes(values):
    values = values.double().abs()
    return torch.stack([values.square().mean().sqrt(), values.max()])


out = {}
with open(cases) as file:
    cases = json.load(file)
for i, case in enumerate(cases):
    truth, single = run(case, torch.float64), run(case, torch.float32)
    for name, exact in truth.items():
        ours = []
        while (found := tensors.get(f"case{i}.device{len(ours)}.{name}")) is not None:
            ours.append(found.view_as(exact))
        if ours:
            errors = [sizes(found - exact) for found in [single[name], *ours]]
            out[f"case{i}.{name}"] = torch.stack([sizes(exact), *errors], 1)
write(destination, out)
