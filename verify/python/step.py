"""step.py IN OUT WEIGHTS: the tutorial's fine-tuning steps on the batches of IN (images.0, labels.0, …; fc.weight, fc.bias).

Writes the losses of all steps in float32 (losses32). Of the first step it writes the new running statistics (state32.)
and the gradients in float32 and float64 (grad32., grad64.). If IN holds the signs of every ReLU of the first step
(relu.0, … in calling order; 1 if it passes), it also writes the gradients with exactly these signs (pinned32.,
pinned64.), and how many signs differed (flips32, flips64).
"""
import sys

import torch
from common import read, resnet, write

source, destination, weights = sys.argv[1:4]
tensors = read(source)
steps = sum(name.startswith("images.") for name in tensors)
signs = [tensors[f"relu.{i}"] for i in range(sum(name.startswith("relu.") for name in tensors))]
out = {}
calls, flips = 0, 0
plain_relu = torch.nn.ReLU.forward


def pinned_relu(self, x):
    global calls, flips
    sign = signs[calls].view_as(x).to(x.dtype)
    calls += 1
    flips += ((x > 0) != (sign > 0)).sum().item()
    return x * sign


def run(bits, dtype, steps, pinned):
    model = resnet(weights, (tensors["fc.weight"], tensors["fc.bias"])).to(dtype).train()
    for module in model.modules():
        if isinstance(module, torch.nn.ReLU):
            module.inplace = False
    torch.nn.ReLU.forward = pinned_relu if pinned else plain_relu
    optimizer = torch.optim.SGD(model.parameters(), lr=0.001, momentum=0.9)
    losses = []
    for step in range(steps):
        optimizer.zero_grad()
        images, labels = tensors[f"images.{step}"].to(dtype), tensors[f"labels.{step}"].long()
        loss = torch.nn.functional.cross_entropy(model(images), labels)
        loss.backward()
        if step == 0:
            prefix = f"pinned{bits}." if pinned else f"grad{bits}."
            out.update({prefix + name: p.grad.clone() for name, p in model.named_parameters()})
            if not pinned:
                out.update({f"state{bits}.{name}": b.clone() for name, b in model.named_buffers() if "running" in name})
        optimizer.step()
        losses.append(loss.item())
    return torch.tensor(losses, dtype=torch.float64)


out["losses32"] = run(32, torch.float32, steps, False)
if signs:
    run(64, torch.float64, 1, False)
    for bits, dtype in ((32, torch.float32), (64, torch.float64)):
        calls, flips = 0, 0
        run(bits, dtype, 1, True)
        out[f"flips{bits}"] = torch.tensor([flips], dtype=torch.int64)
write(destination, out)
