"""epoch_draws.py OUT.json DATA EPOCHS WORKERS: the tutorial's loaders with seed 0, by torchvision's own transforms.

Writes per epoch [[index, top, left, height, width, flip], …] of the train pictures in order, and the order of the val
pictures. Pictures are opened but not decoded: only their sizes decide.
"""
import json
import sys

import torch
from torch.utils.data import DataLoader
from torchvision import datasets, models, transforms

out, data, epochs, workers = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])


class Recorded(datasets.ImageFolder):
    """Gives what the transforms drew for a picture in place of its pixels."""

    def __getitem__(self, index):
        # Before 0.15 the loader converts, which decodes; the header is enough here.
        from PIL import Image

        path, _ = self.samples[index]
        if self.transform is None:
            return torch.tensor([index])
        with Image.open(path) as image:
            box = transforms.RandomResizedCrop.get_params(image, self.transform.scale, self.transform.ratio)
        flip = transforms.RandomHorizontalFlip()(FLIPPABLE)
        return torch.tensor([index, *box, int(flip[0, 0, 0] == 1)])


# Two pixels, the right one of which is 1: after a flip the left one is.
FLIPPABLE = torch.tensor([[[0, 1]]])

torch.manual_seed(0)
sets = {
    "train": Recorded(f"{data}/train", transforms.RandomResizedCrop(224)),
    "val": Recorded(f"{data}/val"),
}
loaders = {x: DataLoader(sets[x], batch_size=4, shuffle=True, num_workers=workers) for x in sets}
torch.nn.Linear(models.resnet18().fc.in_features, 2)
rows = []
for _ in range(epochs):
    train = [row.tolist() for batch in loaders["train"] for row in batch]
    val = [row.item() for batch in loaders["val"] for row in batch]
    rows.append({"train": train, "val": val})
with open(out, "w") as file:
    json.dump(rows, file)
