"""Writes test/golden/optim/*.json: PyTorch's results, for the tests of src/optim.

    python3 test/optim/make-golden.py        (torch 1.13: Debian's python3-torch)

Values of float32 are the shortest decimals that give the same float32.
"""

import json
import pathlib

import numpy
import torch

OUT = pathlib.Path(__file__).resolve().parent.parent / "golden" / "optim"
torch.set_num_threads(1)


def numbers(tensor):
    return [float(str(value)) for value in tensor.detach().numpy().astype(numpy.float32).ravel()]


def dense(tensor):
    return {"shape": list(tensor.shape), "data": numbers(tensor)}


def write(name, record):
    """Writes one line per top-level key, so that diffs are readable."""
    lines = ",\n".join(f"{json.dumps(key)}: {json.dumps(value)}" for key, value in record.items())
    (OUT / name).write_text("{\n" + lines + "\n}\n")


def sgd():
    """Two parameters over six steps. The second has no gradient in the first two, and the learning rate falls."""
    torch.manual_seed(2)
    start = [torch.randn(7), torch.randn(2, 3)]
    grads = [[torch.randn(7), None if step < 2 else torch.randn(2, 3)] for step in range(6)]
    rates = [0.1, 0.1, 0.1, 0.1, 0.01, 0.01]
    combinations = [
        {},
        {"weight_decay": 0.05},
        {"momentum": 0.9},
        {"momentum": 0.9, "dampening": 0.3},
        {"momentum": 0.9, "weight_decay": 0.05},
        {"momentum": 0.8, "dampening": 0.1, "weight_decay": 0.01},
        {"momentum": 0.9, "nesterov": True},
        {"momentum": 0.9, "weight_decay": 0.05, "nesterov": True},
    ]
    runs = []
    for options in combinations:
        parameters = [torch.nn.Parameter(value.clone()) for value in start]
        optimizer = torch.optim.SGD(parameters, lr=rates[0], **options)
        steps = []
        for rate, step_grads in zip(rates, grads):
            optimizer.param_groups[0]["lr"] = rate
            for parameter, grad in zip(parameters, step_grads):
                parameter.grad = None if grad is None else grad.clone()
            optimizer.step()
            steps.append([numbers(parameter) for parameter in parameters])
        runs.append({"options": options, "steps": steps})
    write(
        "sgd.json",
        {
            "start": [dense(value) for value in start],
            "rates": rates,
            "grads": [[None if grad is None else numbers(grad) for grad in step] for step in grads],
            "runs": runs,
        },
    )


def step_lr():
    record = {}
    for rate, step_size, gamma, epochs in [(1e-3, 7, 0.1, 25), (0.1, 1, 0.5, 8), (0.3, 3, 1, 5)]:
        optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=rate)
        schedule = torch.optim.lr_scheduler.StepLR(optimizer, step_size, gamma)
        rates = []
        for _ in range(epochs):
            rates.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            schedule.step()
        record[f"{rate} {step_size} {gamma}"] = rates
    write("step-lr.json", record)


if __name__ == "__main__":
    OUT.mkdir(parents=True, exist_ok=True)
    for make in (sgd, step_lr):
        make()
