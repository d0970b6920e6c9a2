"""Writes test/golden/train/schedules.json: the learning rates that torch gives two groups, for test/train/schedule.test.ts.

    python3 test/train/make-golden-schedules.py        (torch 1.13: Debian's python3-torch)

Four epochs of three updates each. A schedule of epochs steps after each epoch; a warm-up and one cycle after each update.
"""

import json
import pathlib

import torch
from torch.optim import lr_scheduler

OUT = pathlib.Path(__file__).resolve().parent.parent / "golden" / "train"
EPOCHS, UPDATES = 4, 3
RATES = [0.003, 0.01]


def rates(epochly, stepwise):
    groups = [{"params": [torch.nn.Parameter(torch.zeros(1))], "lr": rate} for rate in RATES]
    optimizer = torch.optim.SGD(groups, lr=1.0, momentum=0.9)
    by_epoch = [make(optimizer) for make in epochly]
    by_step = [make(optimizer) for make in stepwise]
    found = []
    for _ in range(EPOCHS):
        for _ in range(UPDATES):
            found.append([group["lr"] for group in optimizer.param_groups])
            optimizer.step()
            for one in by_step:
                one.step()
        for one in by_epoch:
            one.step()
    return found


def warmup(epochs):
    return lambda optimizer: lr_scheduler.LinearLR(optimizer, start_factor=0.01, total_iters=epochs * UPDATES)


RUNS = {
    "step": ([lambda o: lr_scheduler.StepLR(o, step_size=2, gamma=0.5)], []),
    "step, warm-up": ([lambda o: lr_scheduler.StepLR(o, step_size=2, gamma=0.5)], [warmup(1)]),
    "cosine": ([lambda o: lr_scheduler.CosineAnnealingLR(o, T_max=EPOCHS)], []),
    "cosine, warm-up": ([lambda o: lr_scheduler.CosineAnnealingLR(o, T_max=EPOCHS)], [warmup(2)]),
    "onecycle": ([], [lambda o: lr_scheduler.OneCycleLR(o, max_lr=RATES, total_steps=EPOCHS * UPDATES)]),
}

if __name__ == "__main__":
    OUT.mkdir(parents=True, exist_ok=True)
    lines = ",\n".join(f"{json.dumps(name)}: {json.dumps(rates(*run))}" for name, run in RUNS.items())
    (OUT / "schedules.json").write_text("{\n" + lines + "\n}\n")
