"""draws.py OUT: values of torch's generator for draws.ts, as a safetensors file.

After every normal_, more draws compare the generator's state too: a normal_ of one value, which takes the second value
of a pair if torch kept it, and then random_.
"""
import sys

import torch
from common import write
from torchvision import models


def pieces(values):
    """int64 as four values of 16 bits each, which float32 holds exactly; least significant first."""
    return torch.stack([values >> shift & 0xFFFF for shift in (0, 16, 32, 48)], 1).float()


out = {}
torch.manual_seed(0)
out["uniform"] = torch.empty(10_000).uniform_(-2.5, 7)
torch.manual_seed(1)
out["random"] = pieces(torch.empty(10_000, dtype=torch.int64).random_())
torch.manual_seed(2)
out["randperm"] = torch.cat([torch.randperm(n) for n in range(1, 1001)]).float()
for size in [*range(1, 101), 1000]:
    torch.manual_seed(size)
    out[f"normal.{size}"] = torch.empty(size).normal_()
    out[f"normal.{size}.next"] = torch.empty(1).normal_()
    out[f"normal.{size}.random"] = pieces(torch.empty(4, dtype=torch.int64).random_())
out["erfinv"] = (torch.arange(2**24, dtype=torch.float32) * 2**-23 - 1).erfinv()
for seed in range(10):
    torch.manual_seed(seed)
    model = models.resnet18()
    layer = torch.nn.Linear(model.fc.in_features, 2)
    out[f"fc.{seed}.weight"], out[f"fc.{seed}.bias"] = layer.weight, layer.bias
write(sys.argv[1], out)
