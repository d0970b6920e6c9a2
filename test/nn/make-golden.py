"""Writes test/golden/nn/*.json: PyTorch's results, for the tests of src/nn.

    python3 test/nn/make-golden.py        (torch 1.13, torchvision 0.14: Debian's python3-torch and python3-torchvision)

Values are the shortest decimals that give the same float32.
"""

import json
import pathlib

import numpy
import torch
import torch.nn.functional as F
import torchvision
from torchvision.models.resnet import BasicBlock

OUT = pathlib.Path(__file__).resolve().parent.parent / "golden" / "nn"
torch.set_num_threads(1)


def numbers(tensor):
    return [float(str(value)) for value in tensor.detach().numpy().astype(numpy.float32).ravel()]


def dense(tensor):
    return {"shape": list(tensor.shape), "data": numbers(tensor)}


def write(name, record):
    """Writes one line per top-level key, so that diffs are readable."""
    lines = ",\n".join(f"{json.dumps(key)}: {json.dumps(value)}" for key, value in record.items())
    (OUT / name).write_text("{\n" + lines + "\n}\n")


def state_dicts():
    record = {}
    for name, model in {
        "resnet18": torchvision.models.resnet18(),
        "resnet18 with 2 classes": torchvision.models.resnet18(num_classes=2),
        "resnet34": torchvision.models.resnet34(),
    }.items():
        record[name] = {
            "parameters": sum(parameter.numel() for parameter in model.parameters()),
            "entries": [[key, list(value.shape)] for key, value in model.state_dict().items()],
            "named_parameters": [key for key, _ in model.named_parameters()],
        }
    write("state-dicts.json", record)


def layers():
    """Fresh layers, all drawn from one stream of seed 0."""
    torch.manual_seed(0)
    made = {
        "conv": torch.nn.Conv2d(3, 5, (3, 2)),
        "conv_no_bias": torch.nn.Conv2d(4, 6, 3, bias=False),
        "linear": torch.nn.Linear(10, 4),
        "linear_no_bias": torch.nn.Linear(7, 3, bias=False),
    }
    record = {f"{name}.{key}": dense(value) for name, made_layer in made.items() for key, value in made_layer.state_dict().items()}
    ragged = torch.empty(3, 5, 3, 2)  # 90 values, not a multiple of 16
    record["kaiming_normal"] = dense(torch.nn.init.kaiming_normal_(ragged, mode="fan_out", nonlinearity="relu"))
    few = torch.empty(2, 1, 3, 1)
    record["kaiming_normal_few"] = dense(torch.nn.init.kaiming_normal_(few, mode="fan_out", nonlinearity="relu"))
    last = torch.nn.Conv2d(4, 6, 3, groups=2, dilation=2)
    record |= {f"conv_groups.{key}": dense(value) for key, value in last.state_dict().items()}
    record["next"] = dense(torch.rand(3))
    write("layers.json", record)


def network():
    """resnet18 from seed 0 with a new last layer, on two images: first and last values of all weights, and one step."""
    torch.manual_seed(0)
    model = torchvision.models.resnet18()
    weights = {
        key: [*numbers(value)[:3], *numbers(value)[-3:]] for key, value in model.named_parameters() if value.dim() > 1
    }
    model.fc = torch.nn.Linear(512, 2)
    images = torch.randn(2, 3, 64, 64)
    labels = torch.tensor([1, 0])
    logits = model(images)
    loss = F.cross_entropy(logits, labels)
    loss.backward()
    grads = {key: [*numbers(value.grad)[:3], *numbers(value.grad)[-3:]] for key, value in model.named_parameters()}
    norms = {key: value.grad.double().norm().item() for key, value in model.named_parameters()}
    stats = {key: numbers(value)[:3] for key, value in model.named_buffers() if "running" in key}
    with torch.no_grad():
        evaluated = model.eval()(images)
    write(
        "resnet18-seed0.json",
        {
            "weights": weights,
            "fc.weight": dense(model.fc.weight),
            "fc.bias": dense(model.fc.bias),
            "logits": dense(logits),
            "loss": loss.item(),
            "grads": grads,
            "grad_norms": norms,
            "running": stats,
            "eval_logits": dense(evaluated),
        },
    )


def block(in_channels, channels, stride, shape):
    """One BasicBlock in training mode, forward and backward, then in evaluation mode."""
    downsample = None
    if stride != 1 or in_channels != channels:
        downsample = torch.nn.Sequential(
            torch.nn.Conv2d(in_channels, channels, 1, stride, bias=False), torch.nn.BatchNorm2d(channels)
        )
    module = BasicBlock(in_channels, channels, stride, downsample)
    for key, value in module.state_dict().items():
        if "running_var" in key or ("bn" in key and value.dim() == 1 and key.endswith("weight")):
            torch.nn.init.uniform_(value, 0.5, 1.5)
        elif value.dim() == 1:  # a negative scale too, in downsample
            torch.nn.init.normal_(value)
    before = {key: dense(value) for key, value in module.state_dict().items() if value.dim() > 0}
    images = torch.randn(shape, requires_grad=True)
    output = module(images)
    seed = torch.randn_like(output)
    output.backward(seed)
    after = {key: dense(value) for key, value in module.named_buffers() if value.dim() > 0}
    with torch.no_grad():
        evaluated = module.eval()(images)
    return {
        "state": before,
        "input": dense(images),
        "output": dense(output),
        "seed": dense(seed),
        "input_grad": dense(images.grad),
        "grads": {key: dense(value.grad) for key, value in module.named_parameters()},
        "running": after,
        "eval_output": dense(evaluated),
    }


def blocks():
    torch.manual_seed(1)
    write(
        "blocks.json",
        {
            "identity": block(4, 4, 1, (2, 4, 7, 5)),
            "downsample, stride 2": block(4, 6, 2, (3, 4, 7, 5)),
            "downsample, stride 1": block(3, 5, 1, (2, 3, 3, 6)),
        },
    )


def cumulative():
    """BatchNorm2d with momentum None: four batches of different sizes, the third in evaluation mode."""
    torch.manual_seed(3)
    module = torch.nn.BatchNorm2d(3, momentum=None)
    torch.nn.init.uniform_(module.weight, 0.5, 1.5)
    torch.nn.init.normal_(module.bias)
    state = {key: dense(value) for key, value in module.state_dict().items() if value.dim() > 0}
    steps = []
    for shape, training in [((2, 3, 4, 5), True), ((3, 3, 2, 2), True), ((1, 3, 3, 3), False), ((2, 3, 5, 1), True)]:
        module.train(training)
        images = torch.randn(shape) * 2 + 0.7
        with torch.no_grad():
            output = module(images)
        steps.append(
            {
                "training": training,
                "input": dense(images),
                "output": dense(output),
                "running_mean": numbers(module.running_mean),
                "running_var": numbers(module.running_var),
                "num_batches_tracked": module.num_batches_tracked.item(),
            }
        )
    write("batch-norm-cumulative.json", {"state": state, "steps": steps})


if __name__ == "__main__":
    OUT.mkdir(parents=True, exist_ok=True)
    for make in (state_dicts, layers, network, blocks, cumulative):
        make()
