"""Writes test/golden/onnx: a small network as torch.onnx writes it, its scores, and its losses and scores of three steps.

python3 test/onnx/make-golden-import.py (PyTorch 1.13 on the CPU)
"""

import json
import os
import warnings

import torch
import torch.nn as nn
import torch.nn.functional as F

warnings.filterwarnings("ignore")
FOLDER = os.path.join(os.path.dirname(__file__), "../golden/onnx")
os.makedirs(FOLDER, exist_ok=True)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1, bias=False), nn.BatchNorm2d(8, eps=1e-3), nn.Hardswish())
        self.squeeze = nn.Conv2d(8, 4, 1)
        self.excite = nn.Conv2d(4, 8, 1)
        self.depthwise = nn.Conv2d(8, 8, 3, 1, 1, groups=8, bias=False)
        self.norm = nn.BatchNorm2d(8, momentum=0.3)
        self.scale = nn.Parameter(torch.full((8, 1, 1), 0.5))
        self.layernorm = nn.LayerNorm(8)
        self.inner = nn.Linear(8, 6)
        self.dropout = nn.Dropout(0.25)
        self.fc = nn.Linear(6, 3)

    def forward(self, x):
        x = self.stem(x)
        x = x * torch.sigmoid(self.excite(F.relu(self.squeeze(F.adaptive_avg_pool2d(x, 1)))))
        x = x + self.scale * F.relu6(self.norm(self.depthwise(x)))
        x = F.max_pool2d(x, 2)
        x = self.layernorm(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
        x = x.mean([2, 3])
        x = x.view(x.size(0), -1)
        return self.fc(self.dropout(F.gelu(self.inner(x))))


def export(model, mode, name):
    names = {"input_names": ["images"], "output_names": ["scores"], "dynamic_axes": {"images": {0: "batch"}}}
    path = os.path.join(FOLDER, name)
    torch.onnx.export(model, images[0], path, training=mode, do_constant_folding=False, opset_version=13, **names)


torch.manual_seed(5)
model = Net()
# Values with few digits, for a small file.
images, labels = torch.randint(-64, 65, (3, 4, 3, 16, 16)) / 32, torch.randint(0, 3, (3, 4))
for step in range(3):
    model(images[step])
eval_scores = model.eval()(images[0]).tolist()
export(model, torch.onnx.TrainingMode.EVAL, "small-eval.onnx")
export(model.train(), torch.onnx.TrainingMode.TRAINING, "small-training.onnx")
# Tracing in training mode has moved the statistics.
golden = {"images": images.flatten().tolist(), "labels": labels.tolist(), "evalScores": eval_scores}
golden["scores"] = model.eval()(images[0]).tolist()
optimizer = torch.optim.SGD(model.train().parameters(), lr=0.1, momentum=0.9)
torch.manual_seed(6)
losses = []
for step in range(3):
    optimizer.zero_grad()
    loss = F.cross_entropy(model(images[step]), labels[step])
    loss.backward()
    optimizer.step()
    losses.append(loss.item())
golden |= {"losses": losses, "after": model.eval()(images[0]).tolist(), "mean": model.norm.running_mean.tolist()}
with open(os.path.join(FOLDER, "small.json"), "w") as file:
    json.dump(golden, file)
    file.write("\n")
