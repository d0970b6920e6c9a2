"""grad_cam.py IN OUT ARCHITECTURE [WEIGHTS]: Grad-CAM of layer4 by PyTorch's hooks, for the images and classes of IN.

The weights are the entries `model.*` of IN, or those of a file.
"""
import sys

import torch
from common import read, write
from torch.nn.functional import interpolate
from torchvision import models

source, destination, architecture = sys.argv[1:4]
inputs = read(source)
given = {name[len("model."):]: value for name, value in inputs.items() if name.startswith("model.")}
state = torch.load(sys.argv[4]) if len(sys.argv) > 4 else given
model = getattr(models, architecture)(num_classes=state["fc.weight"].shape[0])
model.load_state_dict(state, strict=False)  # num_batches_tracked may be absent
model.eval()

seen = {}
model.layer4.register_forward_hook(lambda module, args, output: seen.update(maps=output.detach()))
model.layer4.register_full_backward_hook(lambda module, grad_in, grad_out: seen.update(grad=grad_out[0]))

images, classes = inputs["images"], inputs["classes"].long()
scores = model(images)
scores.gather(1, classes[:, None]).sum().backward()
weights = seen["grad"].mean(dim=(2, 3), keepdim=True)
heat = (weights * seen["maps"]).sum(dim=1, keepdim=True).relu()
heat = interpolate(heat, size=images.shape[2:], mode="bilinear", align_corners=False)[:, 0]
write(destination, {"heat": heat, "scores": scores})
