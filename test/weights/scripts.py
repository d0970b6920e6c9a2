"""Saves checkpoints as training scripts do, into the folder that is named. Run by scripts.test.ts."""

import collections
import sys

import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel

out = sys.argv[1]
torch.manual_seed(0)
model = nn.Linear(2, 1)
averaged = AveragedModel(model)
for _ in range(3):
    averaged.update_parameters(model)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
model(torch.ones(1, 2)).sum().backward()
optimizer.step()
state = model.state_dict()
lightning = collections.OrderedDict((f"model.{key}", value) for key, value in state.items())

torch.save(averaged.state_dict(), f"{out}/averaged.pth")
torch.save(
    {
        "epoch": 3, "state_dict": nn.DataParallel(model).state_dict(), "state_dict_ema": averaged.state_dict(),
        "optimizer": optimizer.state_dict(), "class_to_idx": {"bees": 1, "ants": 0},
    },
    f"{out}/timm.pth",
)
torch.save(
    {
        "epoch": 3, "pytorch-lightning_version": "1.9", "state_dict": lightning,
        "hyper_parameters": {"classes": ["ants", "bees"], "lr": 0.1}, "optimizer_states": [optimizer.state_dict()],
        "callbacks": {"ModelCheckpoint": {"best_model_score": torch.tensor(0.5)}}, "loops": {"fit": {}},
    },
    f"{out}/lightning.ckpt",
)
torch.save({"model": state, "model_ema": averaged.state_dict(), "lr_scheduler": {"x": 1}}, f"{out}/torchvision.pth")
torch.save({"half": state["weight"].half(), "nan": torch.tensor([0x7FA01234], dtype=torch.int32).view(torch.float32)}, f"{out}/bits.pth")
