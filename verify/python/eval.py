"""eval.py IN OUT WEIGHTS: ResNet-18's logits (1000 classes) in evaluation mode for the images of IN, 16 at a time."""
import sys

import torch
from common import read, resnet, write

source, destination, weights = sys.argv[1:4]
images = read(source)["images"]
model = resnet(weights).eval()
with torch.no_grad():
    logits = torch.cat([model(batch) for batch in images.split(16)])
write(destination, {"logits": logits})
