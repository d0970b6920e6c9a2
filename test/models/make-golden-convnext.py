"""Writes test/golden/models/convnext.json: torchvision's results, for the tests of src/models/convnext.ts.

    python3 test/models/make-golden-convnext.py      (torch 1.13, torchvision 0.14: Debian's python3-torch and python3-torchvision)

Values are the shortest decimals that give the same float32.
"""

import hashlib
import json
import pathlib

import numpy
import torch
import torch.nn.functional as F
import torchvision
from torchvision.models.convnext import CNBlockConfig, ConvNeXt

OUT = pathlib.Path(__file__).resolve().parent.parent / "golden" / "models" / "convnext.json"
torch.set_num_threads(1)


def numbers(tensor):
    return [float(str(value)) for value in tensor.detach().numpy().astype(numpy.float32).ravel()]


def ends(tensor):
    values = numbers(tensor)
    return [*values[:3], *values[-3:]]


def bits(tensor):
    """A digest of the float32 values."""
    return hashlib.sha256(tensor.detach().contiguous().numpy().tobytes()).hexdigest()


def tiny():
    """From seed 0: weights, one step with stochastic depth, evaluation."""
    torch.manual_seed(0)
    model = ConvNeXt([CNBlockConfig(8, 8 * 2, 1), CNBlockConfig(16, 24, 1), CNBlockConfig(24, 32, 2), CNBlockConfig(32, None, 1)], 0.3, 0.5, 3)
    state = {key: value.clone() for key, value in model.state_dict().items()}
    images = torch.empty(3, 3, 64, 64).uniform_(-2, 2)
    labels = torch.tensor([1, 0, 2])
    logits = model(images)
    drawn = torch.rand(1).item()
    loss = F.cross_entropy(logits, labels)
    loss.backward()
    return {
        "entries": [[key, list(value.shape)] for key, value in state.items()],
        "bits": {key: bits(value) for key, value in state.items()},
        "next": drawn,
        "loss": loss.item(),
        "logits": numbers(logits),
        "grads": {key: ends(value.grad) for key, value in model.named_parameters()},
        "grad_norms": {key: value.grad.double().norm().item() for key, value in model.named_parameters()},
        "eval_logits": numbers(model.eval()(images)),
    }


def published():
    """Of the published network: its entries as a digest, and where the generator stands after construction."""
    torch.manual_seed(0)
    model = torchvision.models.convnext_tiny()
    after = torch.randint(0, 2**31 - 1, (1,)).item()
    lines = [f"{key} {'x'.join(map(str, value.shape))}" for key, value in model.state_dict().items()]
    return {
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "entries": len(lines),
        "sha256": hashlib.sha256("\n".join(lines).encode()).hexdigest(),
        "randint": after,
    }


def truncated():
    """erfinv of every 1009th of the values that uniform_(-1, 1) can have, and a trunc_normal_ from seed 5: digests."""
    values = torch.arange(0, 2**24, 1009, dtype=torch.float32) * 2**-23 - 1
    torch.manual_seed(5)
    return {
        "erfinv": bits(values.erfinv()),
        "trunc_normal": bits(torch.nn.init.trunc_normal_(torch.empty(10_000), std=0.02)),
        "next": torch.rand(1).item(),
    }


if __name__ == "__main__":
    record = {"tiny": tiny(), "published": published(), "truncated": truncated()}
    lines = ",\n".join(f"{json.dumps(key)}: {json.dumps(value)}" for key, value in record.items())
    OUT.write_text("{\n" + lines + "\n}\n")
