"""Trains a ResNet-18 in PyTorch with options beside the tutorial's; verify/rows/training-options.ts compares.

training_options.py CASES.json DATA WEIGHTS OUT.json

CASES.json holds a list of runs, by the names of `TrainOptions`. OUT.json gets, for each run, the loss of every train step
and the learning rates of its last update, by group and epoch.
"""

import json
import math
import sys

import torch
from torch import nn
from torch.optim import lr_scheduler
from torchvision import datasets, models, transforms

BLOCKS = ["conv1", "layer1", "layer2", "layer3", "layer4", "fc"]


def learn_from(model, block):
    """Freezes what comes before a block. model.train() still moves the statistics of all batch norms."""
    before = BLOCKS[: BLOCKS.index(block)]
    frozen = set(before) | ({"bn1"} if "conv1" in before else set())
    for name, parameter in model.named_parameters():
        parameter.requires_grad = name.split(".")[0] not in frozen


def optimizer_of(case, model):
    head = list(model.fc.parameters())
    learners = [one for one in model.parameters() if one.requires_grad]
    backbone = [one for one in learners if not any(one is other for other in head)]
    groups = learners
    if "lrBackbone" in case:
        groups = [{"params": backbone, "lr": case["lrBackbone"]}, {"params": head}]
    if case.get("optimizer") == "adamw":
        return torch.optim.AdamW(groups, lr=case["lr"])
    return torch.optim.SGD(groups, lr=case["lr"], momentum=0.9)


def schedules_of(case, optimizer, updates):
    kind, epochs, warmup = case.get("schedule", "step"), case["epochs"], case.get("warmup", 0)
    by_epoch, by_update = [], []
    if kind == "step":
        by_epoch.append(lr_scheduler.StepLR(optimizer, step_size=case.get("stepSize", 7), gamma=case.get("gamma", 0.1)))
    elif kind == "cosine":
        by_epoch.append(lr_scheduler.CosineAnnealingLR(optimizer, T_max=epochs))
    else:
        rates = [group["lr"] for group in optimizer.param_groups]
        by_update.append(lr_scheduler.OneCycleLR(optimizer, max_lr=rates, total_steps=epochs * updates))
    if warmup > 0:
        by_update.append(lr_scheduler.LinearLR(optimizer, start_factor=0.01, total_iters=warmup * updates))
    return by_epoch, by_update


def run(case, data, weights):
    torch.manual_seed(case["seed"])
    size = case["imageSize"]
    to_numbers = [transforms.ToTensor(), transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])]
    augment = [transforms.RandomResizedCrop(size), transforms.RandomHorizontalFlip()]
    centre = [transforms.Resize(round(size * 256 / 224)), transforms.CenterCrop(size)]
    sets = {
        "train": datasets.ImageFolder(f"{data}/train", transforms.Compose(augment + to_numbers)),
        "val": datasets.ImageFolder(f"{data}/val", transforms.Compose(centre + to_numbers)),
    }
    loaders = {
        phase: torch.utils.data.DataLoader(pictures, batch_size=case["batchSize"], shuffle=True, num_workers=0)
        for phase, pictures in sets.items()
    }
    model = models.resnet18()
    model.load_state_dict(torch.load(weights))
    block = "fc" if case.get("mode") == "extract" else case.get("unfreeze", "conv1")
    model.fc = nn.Linear(model.fc.in_features, len(sets["train"].classes))
    learn_from(model, block)
    optimizer = optimizer_of(case, model)
    accumulate = case.get("accumulate", 1)
    by_epoch, by_update = schedules_of(case, optimizer, math.ceil(len(loaders["train"]) / accumulate))
    criterion = nn.CrossEntropyLoss()
    losses, rates = [], []
    for epoch in range(case["epochs"]):
        learn_from(model, "fc" if epoch < case.get("freezeEpochs", 0) else block)
        model.train()
        batches = list(loaders["train"])
        for first in range(0, len(batches), accumulate):
            group = batches[first : first + accumulate]
            pictures = sum(len(labels) for _, labels in group)
            optimizer.zero_grad(set_to_none=True)
            for images, labels in group:
                loss = criterion(model(images), labels)
                losses.append(loss.item())
                (loss * len(labels) / pictures).backward()
            if case.get("gradClip", 0) > 0:
                nn.utils.clip_grad_norm_(model.parameters(), case["gradClip"])
            last = [group["lr"] for group in optimizer.param_groups]
            optimizer.step()
            for one in by_update:
                one.step()
        rates.append(last)
        for one in by_epoch:
            one.step()
        model.eval()
        # What val draws.
        for _ in loaders["val"]:
            pass
    return {"losses": losses, "rates": rates}


if __name__ == "__main__":
    cases, data, weights, out = sys.argv[1:]
    torch.set_num_threads(1)
    with open(cases) as file:
        results = [run(case, data, weights) for case in json.load(file)]
    with open(out, "w") as file:
        json.dump(results, file)
