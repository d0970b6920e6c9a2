"""pytorch.py BATCH SIDE THREADS WEIGHTS ARCHITECTURE: times PyTorch on demand. ARCHITECTURE is torchvision's name of a network,
WEIGHTS a checkpoint of it, or "none".

The first output line is JSON: {"name", "threads"}, or {"missing"} if a module is not installed. The answer to each
input line `WORK STEPS` is the milliseconds per step. A step consists of zeroing, forward, loss, backward and SGD update
on a prepared batch. Steps run back to back until the last loss, or the logits, are read. Default layout and float32, as
in PyTorch's tutorial.
"""
import json
import sys
import time

try:
    import torch
    from torchvision import models
except ImportError as error:
    print(json.dumps({"missing": str(error)}), flush=True)
    sys.exit()

batch, side, threads = map(int, sys.argv[1:4])
weights, architecture = sys.argv[4:6]
# By default PyTorch uses the number of physical cores, or a single one if it cannot determine that number.
torch.set_num_threads(threads)
torch.manual_seed(0)
images, labels = torch.randn(batch, 3, side, side), torch.arange(batch) % 2


def network():
    model = getattr(models, architecture)()
    if weights != "none":
        model.load_state_dict(torch.load(weights), strict=False)  # num_batches_tracked may be absent
    return model


def replace_head(model):
    """A new last layer for two classes, in place of the last linear one."""
    path, last = [(name, module) for name, module in model.named_modules() if isinstance(module, torch.nn.Linear)][-1]
    parent, _, name = path.rpartition(".")
    head = torch.nn.Linear(last.in_features, 2)
    setattr(model.get_submodule(parent), name, head)
    return head


def training(frozen):
    model = network()
    if frozen:
        for parameter in model.parameters():
            parameter.requires_grad = False
    head = replace_head(model)
    model.train()
    optimizer = torch.optim.SGD((head if frozen else model).parameters(), lr=0.001, momentum=0.9)

    def step():
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(model(images), labels)
        loss.backward()
        optimizer.step()
        return loss

    return step


def evaluation():
    model = network()
    replace_head(model)
    model.eval()

    def forward():
        with torch.no_grad():
            return model(images)

    return forward


WORK = {"finetune-step": lambda: training(False), "extract-step": lambda: training(True), "eval-forward": evaluation}
print(json.dumps({"name": f"PyTorch {torch.__version__}", "threads": torch.get_num_threads()}), flush=True)
ready = {}
for line in sys.stdin:
    work, steps = line.split()
    if work not in ready:
        ready[work] = WORK[work]()
    start = time.perf_counter()
    for _ in range(int(steps)):
        result = ready[work]()
    result.tolist()
    print((time.perf_counter() - start) * 1000 / int(steps), flush=True)
