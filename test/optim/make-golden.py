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


# Sizes of the parameters of two groups: one element, fewer than a vector of four, more than a workgroup, odd.
SIZES = [[1, 3], [1000, 4097]]
STEPS = 8


def formula(size, a, b, wave):
    """Values that float32 holds exactly, from -1 to 1; test/optim/support.ts has the same formula."""
    place = torch.arange(size, dtype=torch.int64)
    return ((place * a + b) % wave).double() * 2 / wave - (wave - 1) / wave


def some(value):
    """The first, the last and a few values between."""
    value = value.detach().flatten()
    return numbers(value if len(value) <= 8 else torch.cat([value[:3], value[3:-3:331], value[-3:]]))


def optimizers():
    """Two groups over eight steps in float64. The last parameter has no gradient in the first two, and the rates fall."""
    runs = []
    for name, first, second in [
        ("SGD", {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.01}, {"lr": 0.02, "momentum": 0.5, "nesterov": True}),
        ("Adam", {}, {"lr": 0.01}),
        ("Adam", {"lr": 0.05, "betas": (0.8, 0.95), "weight_decay": 0.1}, {"lr": 0.02, "eps": 1e-3}),
        ("AdamW", {}, {"lr": 0.01}),
        ("AdamW", {"lr": 0.05, "betas": (0.8, 0.95), "weight_decay": 0.3}, {"lr": 0.02, "eps": 1e-3, "weight_decay": 0}),
    ]:
        parameters = [[torch.nn.Parameter(formula(size, 29, 7 * size, 128)) for size in sizes] for sizes in SIZES]
        groups = [{"params": own, **settings} for own, settings in zip(parameters, (first, second))]
        optimizer = getattr(torch.optim, name)(groups, lr=0.001)
        steps = []
        for step in range(STEPS):
            for size, parameter in zip(sum(SIZES, []), sum(parameters, [])):
                late = size == 4097 and step < 2
                parameter.grad = None if late else formula(size, 37, 101 * step + size, 64)
            if step == 5:
                for group in optimizer.param_groups:
                    group["lr"] *= 0.25
            optimizer.step()
            steps.append([some(parameter) for parameter in sum(parameters, [])])
        runs.append({"name": name, "groups": [first, second], "steps": [steps[i] for i in (0, 1, 2, 5, 7)]})
    write("optimizers.json", {"sizes": SIZES, "at": [0, 1, 2, 5, 7], "runs": runs})


# In dawngrad's names. Several schedules of one entry work at the same time, in this order.
SCHEDULES = [
    [["StepLR", {"stepSize": 7}]],
    [["StepLR", {"stepSize": 3, "gamma": 0.7}]],
    [["MultiStepLR", {"milestones": [4, 9, 9, 20]}]],
    [["MultiStepLR", {"milestones": [20, 1, 5], "gamma": 0.3}]],
    [["CosineAnnealingLR", {"tMax": 30}]],
    [["CosineAnnealingLR", {"tMax": 7, "etaMin": 1e-3}]],
    [["CosineAnnealingLR", {"tMax": 1, "etaMin": 1e-4}]],
    [["LinearWarmup", {}]],
    [["LinearWarmup", {"startFactor": 0.7, "endFactor": 0.1, "totalIters": 25}]],
    [["LambdaLR", [0.95, 0.5]]],
    [["OneCycleLR", {"maxLr": 0.3, "totalSteps": 30}]],
    [["OneCycleLR", {"maxLr": [0.3, 0.02], "totalSteps": 40, "annealStrategy": "linear", "pctStart": 0.25}]],
    [["OneCycleLR", {"maxLr": 0.3, "epochs": 3, "stepsPerEpoch": 11, "threePhase": True, "divFactor": 10,
                     "finalDivFactor": 100, "baseMomentum": [0.8, 0.7], "maxMomentum": [0.99, 0.9]}]],
    [["OneCycleLR", {"maxLr": 0.3, "totalSteps": 31, "cycleMomentum": False, "pctStart": 0.0}]],
    [["LinearWarmup", {"startFactor": 0.1}], ["CosineAnnealingLR", {"tMax": 20}]],
    [["LinearWarmup", {"startFactor": 0.5, "totalIters": 3}], ["MultiStepLR", {"milestones": [2, 10]}], ["StepLR", {"stepSize": 4}]],
]


def schedule(optimizer, name, options):
    if name == "LambdaLR":
        return torch.optim.lr_scheduler.LambdaLR(optimizer, [lambda epoch, base=base: base**epoch for base in options])
    snake = {"".join("_" + c.lower() if c.isupper() else c for c in key): value for key, value in options.items()}
    if "t_max" in snake:
        snake["T_max"] = snake.pop("t_max")
    return getattr(torch.optim.lr_scheduler, {"LinearWarmup": "LinearLR"}.get(name, name))(optimizer, **snake)


def schedules():
    """The learning rates and momentums of two groups before each of 30 steps, in float64, with SGD and with Adam."""
    record = {}
    for i, names in enumerate(SCHEDULES):
        adam = i % 2 == 1
        groups = [{"params": [torch.nn.Parameter(torch.zeros(1))], "lr": rate} for rate in (0.1, 0.03)]
        optimizer = torch.optim.Adam(groups) if adam else torch.optim.SGD(groups, lr=1, momentum=0.9)
        made = [schedule(optimizer, *one) for one in names]
        rates, momentums = [], []
        for _ in range(30):
            rates.append([group["lr"] for group in optimizer.param_groups])
            momentums.append([group["betas"][0] if adam else group["momentum"] for group in optimizer.param_groups])
            optimizer.step()
            for one in made:
                one.step()
        record[f"run {i}"] = {"schedules": names, "adam": adam, "rates": rates, "momentums": momentums}
        if names[0][0] != "OneCycleLR":
            del record[f"run {i}"]["momentums"]
    write("schedules.json", record)


# The shift puts the mean of the gradients away from 0, so that a sum of plain values differs from one of squares.
CLIPS = [([1], 0.25), ([3], 100), ([1, 3, 1000, 4097], 1.5), ([1000, None, 4097], 0.001), ([70001, 4096, 5], 3), ([None], 1), ([3], 0)]


def clips():
    """Norms in float64, and some values of the gradients after clipping."""
    runs = []
    for sizes, max_norm in CLIPS:
        parameters = []
        for i, size in enumerate(sizes):
            parameter = torch.nn.Parameter(torch.zeros(size or 2, dtype=torch.float64))
            parameter.grad = None if size is None else formula(size, 37, 101 * i + size, 64) + 0.5
            parameters.append(parameter)
        norm = torch.nn.utils.clip_grad_norm_(parameters, max_norm)
        grads = [None if one.grad is None else some(one.grad[:4097]) for one in parameters]
        runs.append({"sizes": sizes, "max_norm": max_norm, "norm": norm.item(), "grads": grads})
    write("clip-grad-norm.json", {"runs": runs})


if __name__ == "__main__":
    OUT.mkdir(parents=True, exist_ok=True)
    for make in (sgd, step_lr, optimizers, schedules, clips):
        make()
