"""predict.py IN OUT WEIGHTS FOLDER: ResNet-18's logits for every picture below FOLDER, by torchvision's own transforms
on Pillow pictures. Writes the logits [pictures, 1000], and as metadata the pictures' paths and torchvision's class names."""
import json
import sys

import torch
from common import resnet, write
from PIL import Image
from torchvision import datasets, transforms
from torchvision.models._meta import _IMAGENET_CATEGORIES as names

destination, weights, folder = sys.argv[2:5]
transform = transforms.Compose(
    [
        transforms.Resize(256),
        transforms.CenterCrop(224),
        transforms.ToTensor(),
        transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]),
    ]
)
model = resnet(weights).eval()
paths = [path for path, _ in datasets.ImageFolder(folder).samples]
with torch.no_grad():
    logits = [model(transform(Image.open(path).convert("RGB"))[None])[0] for path in paths]
write(destination, {"logits": torch.stack(logits)}, {"paths": json.dumps(paths), "names": json.dumps(names)})
