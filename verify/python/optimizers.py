"""optimizers.py IN OUT CASES: runs torch's optimizers and schedules in float64 on the parameters (start.<i>) and gradients
(grad.<step>.<i>) of IN. CASES is a JSON list of { optimizer, options, groups: [{ first, count, … }], schedules, clip,
steps }, with dawngrad's names.

Writes each parameter after each step (<case>.<step>.<i>). The metadata has the learning rates, the momentums (of Adam
the first beta) of both groups before each step, and the norms of the gradients.
"""
import json
import sys

import torch
from common import read, write

source, destination, cases = sys.argv[1:4]
tensors = read(source)
torch.set_num_threads(1)
out, rates, momentums, norms = {}, [], [], []
NAMES = {"LinearWarmup": "LinearLR"}


def snake(options):
    names = {name: "".join("_" + c.lower() if c.isupper() else c for c in name) for name in options}
    return {"T_max" if name == "tMax" else names[name]: value for name, value in options.items()}


def schedule(optimizer, name, options):
    kind = getattr(torch.optim.lr_scheduler, NAMES.get(name, name))
    if name == "LambdaLR":
        return kind(optimizer, [lambda epoch, base=base: base**epoch for base in options])
    return kind(optimizer, **snake(options))


for number, case in enumerate(json.load(open(cases))):
    count = sum(group["count"] for group in case["groups"])
    parameters = [torch.nn.Parameter(tensors[f"start.{i}"].double()) for i in range(count)]
    groups = []
    for group in case["groups"]:
        settings = dict(group)
        first = settings.pop("first")
        groups.append({"params": parameters[first : first + settings.pop("count")], **snake(settings)})
    optimizer = getattr(torch.optim, case["optimizer"])(groups, **snake(case["options"]))
    schedules = [schedule(optimizer, name, options) for name, options in case["schedules"]]
    own = {"rates": [], "momentums": [], "norms": []}
    for step in range(case["steps"]):
        own["rates"].append([group["lr"] for group in optimizer.param_groups])
        own["momentums"].append([group["betas"][0] if "betas" in group else group["momentum"] for group in optimizer.param_groups])
        for i, parameter in enumerate(parameters):
            parameter.grad = tensors[f"grad.{step}.{i}"].double()
        if case["clip"]:
            own["norms"].append(torch.nn.utils.clip_grad_norm_(parameters, case["clip"]).item())
        optimizer.step()
        for one in schedules:
            one.step()
        out.update({f"{number}.{step}.{i}": parameter.detach().clone() for i, parameter in enumerate(parameters)})
    rates.append(own["rates"])
    momentums.append(own["momentums"])
    norms.append(own["norms"])
write(destination, out, {"rates": json.dumps(rates), "momentums": json.dumps(momentums), "norms": json.dumps(norms)})
