"""speed.py WEIGHTS BATCH: times PyTorch on demand. Each input line `WORK STEPS` is answered by the steps' milliseconds.

A step is zeroing, forward, loss, backward, SGD update; steps run back to back and the loss of the last is read. Warms up
on its first use of each work. As many threads as cores, the default layout.
"""
import sys
import time

import torch
from common import resnet

weights, batch = sys.argv[1], int(sys.argv[2])
torch.manual_seed(0)
images, labels = torch.randn(batch, 3, 224, 224), torch.arange(batch) % 2


def training(frozen):
    model = resnet(weights)
    if frozen:
        for parameter in model.parameters():
            parameter.requires_grad = False
    model.fc = torch.nn.Linear(512, 2)
    model.train()
    optimizer = torch.optim.SGD((model.fc if frozen else model).parameters(), lr=0.001, momentum=0.9)

    def step():
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(model(images), labels)
        loss.backward()
        optimizer.step()
        return loss

    return step


def evaluation():
    model = resnet(weights)
    model.fc = torch.nn.Linear(512, 2)
    model.eval()

    def forward():
        with torch.no_grad():
            return model(images).sum()

    return forward


WORK = {"finetune-step": lambda: training(False), "extract-step": lambda: training(True), "eval-forward": evaluation}
ready = {}
for line in sys.stdin:
    work, steps = line.split()
    if work not in ready:
        ready[work] = WORK[work]()
        for _ in range(2):
            ready[work]().item()
    start = time.perf_counter()
    for _ in range(int(steps)):
        result = ready[work]()
    result.item()
    print((time.perf_counter() - start) * 1000 / int(steps), flush=True)
