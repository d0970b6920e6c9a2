"""train_pixels.py OUT DATA WORKERS: every train batch of epoch 0 with seed 0 as bytes, pictures·3·224·224, in order."""
import sys

import torch
from torch.utils.data import DataLoader
from torchvision import datasets, models, transforms

out, data, workers = sys.argv[1], sys.argv[2], int(sys.argv[3])
torch.manual_seed(0)
transform = transforms.Compose(
    [transforms.RandomResizedCrop(224), transforms.RandomHorizontalFlip(), transforms.PILToTensor()]
)
loader = DataLoader(datasets.ImageFolder(f"{data}/train", transform), batch_size=4, shuffle=True, num_workers=workers)
torch.nn.Linear(models.resnet18().fc.in_features, 2)
with open(out, "wb") as file:
    for images, _ in loader:
        file.write(images.numpy().tobytes())
