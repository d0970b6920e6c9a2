#!/usr/bin/env python3
"""Runs the tutorial's training loop in PyTorch on a small folder. torch.test.ts compares its results.

tutorial_run.py DATA OUT.json --mode finetune|extract --size PIXELS --epochs N --workers N --seed N --lr RATE [--weights FILE.pth]

Prints nothing. OUT.json gets every step's loss and correct count, and the metrics of every phase. With --weights it
first writes the file and then loads it. Without, the network keeps its drawn weights. The file holds the weights that
resnet18() draws after manual_seed(1234), with the residual branches scaled down. Near the identity, a network amplifies
rounding far less, as a trained one does. So losses can be compared closely.
"""
import argparse
import json

import torch
from torch import nn
from torchvision import datasets, models, transforms

parser = argparse.ArgumentParser()
parser.add_argument("data")
parser.add_argument("out")
parser.add_argument("--mode", required=True)
parser.add_argument("--size", type=int, required=True)
parser.add_argument("--epochs", type=int, required=True)
parser.add_argument("--workers", type=int, required=True)
parser.add_argument("--seed", type=int, required=True)
parser.add_argument("--lr", type=float, required=True)
parser.add_argument("--weights")
args = parser.parse_args()

torch.set_num_threads(1)
if args.weights:
    torch.manual_seed(1234)
    start = models.resnet18()
    for name, parameter in start.named_parameters():
        if name.endswith("bn2.weight"):
            nn.init.constant_(parameter, 0.1)
    torch.save(start.state_dict(), args.weights)

torch.manual_seed(args.seed)
to_numbers = [transforms.ToTensor(), transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])]
augment = [transforms.RandomResizedCrop(args.size), transforms.RandomHorizontalFlip()]
centre = [transforms.Resize(round(args.size * 256 / 224)), transforms.CenterCrop(args.size)]
sets = {
    "train": datasets.ImageFolder(f"{args.data}/train", transforms.Compose(augment + to_numbers)),
    "val": datasets.ImageFolder(f"{args.data}/val", transforms.Compose(centre + to_numbers)),
}
loaders = {
    phase: torch.utils.data.DataLoader(pictures, batch_size=4, shuffle=True, num_workers=args.workers)
    for phase, pictures in sets.items()
}

model = models.resnet18()
if args.weights:
    model.load_state_dict(torch.load(args.weights))
if args.mode == "extract":
    for parameter in model.parameters():
        parameter.requires_grad = False
model.fc = nn.Linear(model.fc.in_features, len(sets["train"].classes))
trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
optimizer = torch.optim.SGD(trained, lr=args.lr, momentum=0.9)
scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=1, gamma=0.1)
criterion = nn.CrossEntropyLoss()

steps, metrics = [], []
for epoch in range(args.epochs):
    for phase in ["train", "val"]:
        model.train(phase == "train")
        rate = optimizer.param_groups[0]["lr"]
        loss_sum, correct_sum = 0.0, 0
        for images, labels in loaders[phase]:
            optimizer.zero_grad()
            with torch.set_grad_enabled(phase == "train"):
                logits = model(images)
                loss = criterion(logits, labels)
                if phase == "train":
                    loss.backward()
                    optimizer.step()
            correct = (logits.argmax(1) == labels).sum().item()
            steps.append({"epoch": epoch, "phase": phase, "loss": loss.item(), "correct": correct})
            loss_sum += loss.item() * len(labels)
            correct_sum += correct
        if phase == "train":
            scheduler.step()
        row = {"epoch": epoch, "phase": phase, "loss": loss_sum / len(sets[phase]), "acc": correct_sum / len(sets[phase])}
        metrics.append({**row, "lr": rate if phase == "train" else metrics[-1]["lr"]})

with open(args.out, "w") as file:
    json.dump({"steps": steps, "metrics": metrics}, file)
