"""Writes test/golden/models/mobile-*.json: torchvision's results, for the tests of mobile networks in src/models.

    python3 test/models/make-golden-mobile.py        (torch 1.13, torchvision 0.14: Debian's python3-torch and python3-torchvision)

Values are the shortest decimals that give the same float32.
"""

import functools
import hashlib
import json
import pathlib

import numpy
import torch
import torch.nn.functional as F
import torchvision
from torchvision.models import efficientnet, mobilenetv2, mobilenetv3

OUT = pathlib.Path(__file__).resolve().parent.parent / "golden" / "models"
torch.set_num_threads(1)


def numbers(tensor):
    return [float(str(value)) for value in tensor.detach().numpy().astype(numpy.float32).ravel()]


def dense(tensor):
    return {"shape": list(tensor.shape), "data": numbers(tensor)}


def ends(tensor):
    values = numbers(tensor)
    return [*values[:3], *values[-3:]]


def write(name, record):
    """Writes one line per top-level key, so that diffs are readable."""
    lines = ",\n".join(f"{json.dumps(key)}: {json.dumps(value)}" for key, value in record.items())
    OUT.mkdir(exist_ok=True)
    (OUT / name).write_text("{\n" + lines + "\n}\n")


V2 = functools.partial(mobilenetv2.InvertedResidual, norm_layer=torch.nn.BatchNorm2d)
NORM = functools.partial(torch.nn.BatchNorm2d, eps=0.001, momentum=0.01)


def v3(*row):
    return mobilenetv3.InvertedResidual(mobilenetv3.InvertedResidualConfig(*row, 1, 1.0), NORM)


def mb(p, *row):
    return efficientnet.MBConv(efficientnet.MBConvConfig(*row, 1), p, torch.nn.BatchNorm2d)


BLOCKS = {
    "v2 without expansion": lambda: V2(8, 6, 1, 1),
    "v2 residual": lambda: V2(6, 6, 1, 3),
    "v2 stride": lambda: V2(6, 4, 2, 2),
    "v3 residual": lambda: v3(8, 3, 16, 8, False, "RE", 1),
    "v3 squeeze": lambda: v3(8, 5, 16, 8, True, "HS", 2),
    "v3 without expansion": lambda: v3(8, 3, 8, 8, True, "RE", 1),
    "mbconv": lambda: mb(0.0, 2, 3, 2, 8, 16),
    "mbconv residual with depth": lambda: mb(0.4, 2, 5, 1, 8, 8),
}


def randomise(module):
    """Values that leave no term of a formula out."""
    for name, value in module.state_dict().items():
        if name.endswith("running_var"):
            value.uniform_(0.5, 1.5)
        elif value.is_floating_point():
            value.normal_(0, 0.5)
            if value.dim() == 1 and name.endswith("weight"):
                value.add_(1)


def blocks():
    torch.manual_seed(1)
    record = {}
    for name, build in BLOCKS.items():
        block = build()
        randomise(block)
        state = {key: dense(value) for key, value in block.state_dict().items() if value.is_floating_point()}
        channels = next(block.parameters()).shape[1] if "without" not in name else next(block.parameters()).shape[0]
        x = torch.randn(3, channels, 5, 4, requires_grad=True)
        torch.manual_seed(7)
        output = block(x)
        drawn = torch.rand(1).item()
        seed = torch.randn_like(output)
        output.backward(seed)
        running = {key: dense(value) for key, value in block.state_dict().items() if "running" in key}
        record[name] = {
            "state": state,
            "input": dense(x),
            "output": dense(output),
            "next": drawn,
            "seed": dense(seed),
            "input_grad": dense(x.grad),
            "grads": {key: dense(value.grad) for key, value in block.named_parameters()},
            "running": running,
            "eval_output": dense(block.eval()(x)),
        }
    write("mobile-blocks.json", record)


def tiny_v2():
    rows = [[1, 8, 1, 1], [2, 8, 2, 2], [3, 16, 1, 2]]
    return mobilenetv2.MobileNetV2(3, width_mult=1.0, inverted_residual_setting=rows)


def tiny_v3():
    config = mobilenetv3.InvertedResidualConfig
    rows = [(8, 3, 8, 8, True, "RE", 2), (8, 5, 24, 16, False, "HS", 1), (16, 5, 32, 16, True, "HS", 1)]
    return mobilenetv3.MobileNetV3([config(*row, 1, 1.0) for row in rows], 40, 3)


def tiny_efficientnet():
    rows = [(1, 3, 1, 16, 8, 1), (2, 3, 2, 8, 16, 2), (3, 5, 1, 16, 16, 2)]
    config = functools.partial(efficientnet.MBConvConfig, width_mult=1.0, depth_mult=1.0)
    return efficientnet.EfficientNet([config(*row) for row in rows], 0.2, num_classes=3)


def networks():
    """From seed 0: weights, one step with dropout and stochastic depth, evaluation."""
    record = {}
    for name, build in {"v2": tiny_v2, "v3": tiny_v3, "efficientnet": tiny_efficientnet}.items():
        torch.manual_seed(0)
        model = build()
        weights = {key: ends(value) for key, value in model.named_parameters() if value.dim() > 1}
        images = torch.randn(4, 3, 32, 32)
        labels = torch.tensor([1, 0, 2, 1])
        logits = model(images)
        drawn = torch.rand(1).item()
        loss = F.cross_entropy(logits, labels)
        loss.backward()
        record[name] = {
            "entries": [[key, list(value.shape)] for key, value in model.state_dict().items()],
            "weights": weights,
            "next": drawn,
            "logits": dense(logits),
            "loss": loss.item(),
            "grads": {key: ends(value.grad) for key, value in model.named_parameters()},
            "grad_norms": {key: value.grad.double().norm().item() for key, value in model.named_parameters()},
            "running": {key: ends(value) for key, value in model.state_dict().items() if "running" in key},
            "eval_logits": dense(model.eval()(images)),
        }
    write("mobile-nets.json", record)


def entries():
    """Of the published networks: their entries as a digest, and where the generator stands after construction."""
    record = {}
    for name in ["mobilenet_v2", "mobilenet_v3_small", "mobilenet_v3_large", "efficientnet_b0"]:
        torch.manual_seed(0)
        model = getattr(torchvision.models, name)()
        after = torch.randint(0, 2**31 - 1, (1,)).item()
        lines = [f"{key} {'x'.join(map(str, value.shape))}" for key, value in model.state_dict().items()]
        record[name] = {
            "parameters": sum(parameter.numel() for parameter in model.parameters()),
            "entries": len(lines),
            "sha256": hashlib.sha256("\n".join(lines).encode()).hexdigest(),
            "randint": after,
        }
    write("mobile-entries.json", record)


def depth():
    """Stochastic depth and dropout: the result and what is drawn next."""
    record = {}
    x = torch.arange(1, 25, dtype=torch.float32).reshape(6, 2, 2) / 8
    for name, p, mode in [("row", 0.3, "row"), ("batch", 0.5, "batch"), ("all", 1.0, "row"), ("none", 0.0, "row")]:
        torch.manual_seed(3)
        output = torchvision.ops.stochastic_depth(x, p, mode)
        record[name] = {"p": p, "mode": mode, "output": dense(output), "next": torch.rand(1).item()}
    for name, p in [("dropout", 0.2), ("dropout of a third", 1 / 3), ("dropout of all", 1.0)]:
        torch.manual_seed(3)
        record[name] = {"p": p, "output": dense(F.dropout(x, p)), "next": torch.rand(1).item()}
    write("mobile-drops.json", record)


if __name__ == "__main__":
    for make in (depth, blocks, networks, entries):
        make()
