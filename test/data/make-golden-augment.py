#!/usr/bin/env python3
"""Writes test/golden/data-augment.json: hashes of what torchvision's augmentations make of the golden pictures.

Run with Debian's python3 (python3-torch 1.13, python3-torchvision 0.14, python3-pil 9.4) after make-golden.py.
`npm run verify -- augment` compares many more, on pictures drawn anew.
"""
import hashlib, json, os
import torch
from PIL import Image
from torch.utils.data import DataLoader, default_collate
from torchvision import datasets, transforms as T
from torchvision.transforms import InterpolationMode, functional as F
from torchvision.transforms.autoaugment import TrivialAugmentWide, _apply_op

HERE = os.path.dirname(os.path.abspath(__file__))
GOLDEN = os.path.join(HERE, "..", "golden", "data")
image = Image.open(f"{GOLDEN}/pictures/rgb.png").convert("RGB")
square = image.crop((0, 0, 31, 31))


def sha(data):
    return hashlib.sha256(data).hexdigest()


ops = []
for name, (magnitudes, signed) in TrivialAugmentWide()._augmentation_space(31).items():
    levels = magnitudes[[1, 10, 20, 30]].tolist() if magnitudes.ndim > 0 else [0.0]
    for level in [float(level) * sign for level in levels for sign in ((1, -1) if signed else (1,))]:
        for picture in (image, square) if name == "Rotate" else (image,):
            result = _apply_op(picture, name, level, InterpolationMode.NEAREST, None)
            ops.append({"name": name, "magnitude": level, "square": picture is square, "sha256": sha(result.tobytes())})

torch.manual_seed(1)
jitters = []
for _ in range(8):
    order, *amounts = T.ColorJitter.get_params((0.1, 1.9), (0.1, 1.9), (0.1, 1.9), (-0.5, 0.5))
    result = image
    for step in order:
        result = (F.adjust_brightness, F.adjust_contrast, F.adjust_saturation, F.adjust_hue)[step](result, amounts[step])
    jitters.append({"order": order.tolist(), "amounts": amounts, "sha256": sha(result.tobytes())})

finish = [T.ToTensor(), T.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])]
policies = {
    "light": [T.RandomResizedCrop(40, (0.5, 1)), T.RandomHorizontalFlip(), T.ColorJitter(0.2, 0.2, 0.2, 0.05), *finish],
    "strong": [T.RandomResizedCrop(40), T.RandomHorizontalFlip(), TrivialAugmentWide(), *finish, T.RandomErasing(0.1)],
}
shares = []


def collate(samples):
    """Mixup as torchvision's references/classification has it, always (p = 1), with alpha 0.4."""
    batch, target = default_collate(samples)
    torch.rand(1)
    share = float(torch._sample_dirichlet(torch.tensor([0.4, 0.4]))[0])
    rolled = batch.roll(1, 0).mul_(1.0 - share)
    return batch.mul_(share).add_(rolled), share


epochs = {}
for policy, steps in policies.items():
    torch.manual_seed(3)
    loader = DataLoader(datasets.ImageFolder(f"{GOLDEN}/folder", T.Compose(steps)), 5, True, num_workers=2, collate_fn=collate)
    batches = [{"sha256": sha(images.numpy().tobytes()), "share": share} for _ in range(2) for images, share in loader]
    epochs[policy] = {"batches": batches, "next": torch.rand(1).item()}

with open(f"{HERE}/../golden/data-augment.json", "w") as file:
    json.dump({"ops": ops, "jitters": jitters, "epochs": epochs}, file, indent=1)
    file.write("\n")
