"""Writes test/golden/models/resnets.json: torchvision's results, for the tests of ResNets in src/models.

    python3 test/models/make-golden-resnets.py        (torch 1.13, torchvision 0.14: Debian's python3-torch and python3-torchvision)

Values are the shortest decimals that give the same float32.
"""

import hashlib
import json
import pathlib

import numpy
import torch
import torch.nn.functional as F
import torchvision
from torchvision.models.resnet import BasicBlock, Bottleneck, ResNet

OUT = pathlib.Path(__file__).resolve().parent.parent / "golden" / "models"
torch.set_num_threads(1)

NAMES = ["resnet18", "resnet34", "resnet50", "resnet101", "resnet152", "wide_resnet50_2", "wide_resnet101_2"]
NAMES += ["resnext50_32x4d", "resnext101_32x8d", "resnext101_64x4d"]

# Few blocks, and of little width: what distinguishes the published ones is here too.
SMALL = {
    "bottleneck": lambda: ResNet(Bottleneck, [1, 1, 1, 1], num_classes=3, width_per_group=16),
    "wide": lambda: ResNet(Bottleneck, [1, 2, 1, 1], num_classes=3, width_per_group=24),
    "groups": lambda: ResNet(Bottleneck, [1, 1, 1, 1], num_classes=3, groups=4, width_per_group=6),
}


def numbers(tensor):
    return [float(str(value)) for value in tensor.detach().numpy().astype(numpy.float32).ravel()]


def dense(tensor):
    return {"shape": list(tensor.shape), "data": numbers(tensor)}


def ends(tensor):
    values = numbers(tensor)
    return [*values[:2], *values[-2:]]


def small(build):
    """From seed 0 to a training step on two pictures, then evaluation."""
    torch.manual_seed(0)
    model = build()
    weights = {key: ends(value) for key, value in model.named_parameters() if value.dim() > 1}
    images = torch.randn(2, 3, 64, 64)
    labels = torch.tensor([2, 0])
    logits = model(images)
    loss = F.cross_entropy(logits, labels)
    loss.backward()
    stats = {key: numbers(value)[:2] for key, value in model.named_buffers() if "running" in key}
    with torch.no_grad():
        evaluated = model.eval()(images)
    return {
        "weights": weights,
        "logits": dense(logits),
        "loss": loss.item(),
        "grads": {key: ends(value.grad) for key, value in model.named_parameters()},
        "grad_norms": {key: value.grad.double().norm().item() for key, value in model.named_parameters()},
        "running": stats,
        "eval_logits": dense(evaluated),
    }


def entries(name):
    """The count and a hash of the entries' names and shapes, and the count of parameters."""
    model = getattr(torchvision.models, name)()
    lines = [f"{key} {','.join(map(str, value.shape))}" for key, value in model.state_dict().items()]
    return {
        "parameters": sum(value.numel() for value in model.parameters()),
        "entries": len(lines),
        "sha256": hashlib.sha256("\n".join(lines).encode()).hexdigest(),
    }


record = {"published": {name: entries(name) for name in NAMES}} | {name: small(build) for name, build in SMALL.items()}
lines = ",\n".join(f"{json.dumps(key)}: {json.dumps(value)}" for key, value in record.items())
(OUT / "resnets.json").write_text("{\n" + lines + "\n}\n")
