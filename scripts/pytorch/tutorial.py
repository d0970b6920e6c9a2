#!/usr/bin/env python3
"""The transfer-learning tutorial in PyTorch with a seed, to compare with `npm run train` with the same flags.

    tutorial.py --data DIR --weights FILE.pth|none [--mode finetune|extract] [--seed 0] [--epochs 25] [--workers 4]
                [--threads N] [--out FOLDER] [--steps N --step-losses FILE.jsonl]

Needs torch and torchvision (Debian: python3-torch 1.13 and python3-torchvision 0.14; the draws are theirs).
Prints the tutorial's lines and writes FOLDER/metrics.jsonl with the same fields as dawngrad. Then

    npm run compare -- FOLDER/metrics.jsonl runs/…/metrics.jsonl

compares the two. --step-losses also writes the loss of every step, and --steps ends the run after that many train
steps.

It draws from torch's generator in this order: manual_seed, resnet18() (its constructor draws, then the weights replace
the values drawn), the new Linear(512, classes), then per epoch the train loader and the val loader.
"""
import argparse
import json
import os
import time

import torch
from torch import nn, optim
from torch.utils.data import DataLoader
from torchvision import datasets, models, transforms

parser = argparse.ArgumentParser()
parser.add_argument("--mode", choices=["finetune", "extract"], default="finetune")
parser.add_argument("--data", required=True)
parser.add_argument("--weights", required=True)
parser.add_argument("--seed", type=int, default=0)
parser.add_argument("--epochs", type=int, default=25)
parser.add_argument("--batch-size", type=int, default=4)
parser.add_argument("--workers", type=int, default=4, help="num_workers, the tutorial's 4 by default")
parser.add_argument("--threads", type=int, default=os.cpu_count(), help="torch's; another number rounds differently")
parser.add_argument("--out", help="folder for metrics.jsonl (default: runs/<time>-<mode>-pytorch)")
parser.add_argument("--steps", type=int, help="end after this many train steps, without a val phase")
parser.add_argument("--step-losses", help="file for a line of JSON per step: epoch, phase, step, loss")
args = parser.parse_args()

out = args.out or f"runs/{time.strftime('%Y%m%d-%H%M%S')}-{args.mode}-pytorch"
metrics_path = os.path.join(out, "metrics.jsonl")
if os.path.exists(metrics_path):
    parser.error(f"{metrics_path} already exists; choose another folder")
os.makedirs(out, exist_ok=True)

torch.set_num_threads(args.threads)
torch.manual_seed(args.seed)
normalize = transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
transform = {
    "train": transforms.Compose(
        [transforms.RandomResizedCrop(224), transforms.RandomHorizontalFlip(), transforms.ToTensor(), normalize]
    ),
    "val": transforms.Compose(
        [transforms.Resize(256), transforms.CenterCrop(224), transforms.ToTensor(), normalize]
    ),
}
sets = {phase: datasets.ImageFolder(os.path.join(args.data, phase), transform[phase]) for phase in transform}
loaders = {
    phase: DataLoader(sets[phase], batch_size=args.batch_size, shuffle=True, num_workers=args.workers) for phase in sets
}

model = models.resnet18()
if args.weights != "none":
    state = torch.load(args.weights)
    # Old checkpoints lack num_batches_tracked, which is only a counter.
    missing, unexpected = model.load_state_dict(state, strict=False)
    wrong = [name for name in missing if not name.endswith("num_batches_tracked")] + unexpected
    if wrong:
        parser.error(f"{args.weights}: not the weights of a resnet18 (missing or unexpected: {', '.join(wrong[:5])})")
if args.mode == "extract":
    for parameter in model.parameters():
        parameter.requires_grad = False
model.fc = nn.Linear(model.fc.in_features, len(sets["train"].classes))
optimizer = optim.SGD((model.fc if args.mode == "extract" else model).parameters(), lr=0.001, momentum=0.9)
scheduler = optim.lr_scheduler.StepLR(optimizer, step_size=7, gamma=0.1)
criterion = nn.CrossEntropyLoss()

step_file = open(args.step_losses, "w") if args.step_losses else None
steps_left = args.steps


def run_phase(epoch, phase):
    """One pass over a phase's pictures: its metrics, or None if the steps ran out."""
    global steps_left
    model.train(phase == "train")
    lr = optimizer.param_groups[0]["lr"]
    loss_sum, correct, start = 0.0, 0, time.time()
    for step, (images, labels) in enumerate(loaders[phase]):
        optimizer.zero_grad()
        with torch.set_grad_enabled(phase == "train"):
            logits = model(images)
            loss = criterion(logits, labels)
            if phase == "train":
                loss.backward()
                optimizer.step()
        if step_file:
            row = {"epoch": epoch, "phase": phase, "step": step, "loss": loss.item()}
            print(json.dumps(row), file=step_file, flush=True)
        loss_sum += loss.item() * images.size(0)
        correct += (logits.argmax(1) == labels).sum().item()
        if phase == "train" and steps_left is not None:
            steps_left -= 1
            if steps_left == 0:
                return None
    count, seconds = len(sets[phase]), time.time() - start
    return {
        "epoch": epoch, "phase": phase, "loss": loss_sum / count, "acc": correct / count, "lr": lr,
        "seconds": seconds, "imagesPerSecond": count / seconds,
    }  # fmt: skip


def main():
    best, start = 0.0, time.time()
    with open(metrics_path, "w") as metrics:
        for epoch in range(args.epochs):
            print(f"Epoch {epoch}/{args.epochs - 1}\n----------", flush=True)
            lr = optimizer.param_groups[0]["lr"]
            for phase in ("train", "val"):
                row = run_phase(epoch, phase)
                if row is None:
                    return
                if phase == "train":
                    scheduler.step()
                else:
                    best = max(best, row["acc"])
                # Both rows have the learning rate of the train phase, as in dawngrad.
                print(json.dumps({**row, "lr": lr}), file=metrics, flush=True)
                print(f"{phase} Loss: {row['loss']:.4f} Acc: {row['acc']:.4f}", flush=True)
            print()
    seconds = time.time() - start
    print(f"Training complete in {seconds // 60:.0f}m {seconds % 60:.0f}s\nBest val Acc: {best:4f}")


main()
