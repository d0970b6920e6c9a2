"""epoch_draws.py OUT.json DATA EPOCHS WORKERS: the tutorial's loaders with seed 0 and torchvision's own transforms.

Writes for each epoch [[index, top, left, height, width, flip], …] of the train pictures in order, and the order of the
val pictures. Pictures are opened but not decoded: the draws depend only on their sizes.
"""
import json
import sys

import torch
from torch.utils.data import DataLoader
from torchvision import datasets, models, transforms

out, data, epochs, workers = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])


class Recorded(datasets.ImageFolder):
    """Returns the transforms' draws for a picture in place of its pixels."""

    def __getitem__(self, index):
        # The loader of torchvision before 0.15 converts, which decodes; here the header is enough.
        from PIL import Image

        path, _ = self.samples[index]
        if self.transform is None:
            return torch.tensor([index])
        with Image.open(path) as image:
            box = transforms.RandomResizedCrop.get_params(image, self.transform.scale, self.transform.ratio)
        flip = transforms.RandomHorizontalFlip()(FLIPPABLE)
        return torch.tensor([index, *box, int(flip[0, 0, 0] == 1)])


# Two pixels. The right one is 1; after a flip the left one is.
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
