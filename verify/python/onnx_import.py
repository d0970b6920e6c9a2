"""Exports networks by torch.onnx and trains them ten steps, for verify/rows/onnx-import.ts.

python3 onnx_import.py FOLDER SIDE BATCH NET:MODE...

MODE is `training` (exported as it trains, batch norms and dropout included), or `eval` (batch norms folded into the
convolutions, as torch.onnx does; the network that it is compared with is folded by torch.fx).
"""

import os
import sys
import warnings

import torch
import torch.fx.experimental.optimization
import torch.nn.functional as F
import torchvision

warnings.filterwarnings("ignore")
folder, side, batch, *cases = sys.argv[1:]
side, batch = int(side), int(batch)
STEPS, CLASSES, SEED = 10, 10, 7


def export(model, mode, path):
    kind = torch.onnx.TrainingMode.TRAINING if mode == "training" else torch.onnx.TrainingMode.EVAL
    images = torch.randn(batch, 3, side, side)
    names = {"input_names": ["images"], "output_names": ["scores"], "dynamic_axes": {"images": {0: "batch"}}}
    torch.onnx.export(model, images, path, training=kind, do_constant_folding=False, opset_version=16, **names)


for case in cases:
    net, mode = case.split(":")
    torch.manual_seed(SEED)
    model = getattr(torchvision.models, net)(num_classes=CLASSES)
    # As in a trained network, a block adds little to what passes by it. In a new ResNet-50 each block doubles it, and rounding
    # alone moves the loss of the second step by a hundredth.
    for module in model.modules():
        if hasattr(module, "bn3"):
            torch.nn.init.constant_(module.bn3.weight, 0.1)
    # Statistics that are not those of a new network.
    with torch.no_grad():
        for _ in range(3):
            model(torch.randn(batch, 3, side, side))
    images = torch.randn(STEPS, batch, 3, side, side)
    labels = torch.randint(0, CLASSES, (STEPS, batch))
    path = os.path.join(folder, f"{net}-{mode}")
    # Tracing moves the statistics, and the file has them as they are then.
    export(model.train(mode == "training"), mode, path + ".onnx")
    logits = model.eval()(images[0]).detach()
    if mode == "eval":
        model = torch.fx.experimental.optimization.fuse(model.eval())
    model.train()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0005, momentum=0.9)
    torch.manual_seed(SEED)  # of the masks of dropout
    losses = []
    for step in range(STEPS):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(images[step]), labels[step])
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    values = {"images": images, "labels": labels.float(), "losses": torch.tensor(losses), "logits": logits}
    torch.save({**values, "after": model.eval()(images[0]).detach()}, path + ".pth")
