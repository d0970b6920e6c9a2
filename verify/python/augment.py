"""augment.py OUT: what torch, torchvision 0.14 and Pillow make of drawn pictures of odd sizes, for given draws.

Writes into the folder OUT:
cases.json, cases.bin  operations; each case says where in cases.bin its input (`from`) and result (`to`) are: [offset, bytes]
lambdas.json           shares of mixup: for each alpha the first ones of seed 7
pictures/              a data set; loaders.json has the hashes of the batches that DataLoaders with seed 5 make of it
losses.json            losses of mixed batches and their gradients, in double precision
"""
import hashlib
import json
import os
import sys

import numpy as np
import torch
from PIL import Image
from torch.nn.functional import cross_entropy, one_hot
from torch.utils.data import DataLoader, default_collate
from torchvision import datasets, transforms
from torchvision.transforms import InterpolationMode
from torchvision.transforms import functional as F
from torchvision.transforms.autoaugment import TrivialAugmentWide, _apply_op

out = sys.argv[1]
random = np.random.default_rng(20)
torch.manual_seed(20)
JITTERS, ERASINGS = 400, 300
cases, chunks, offset = [], [], 0


def put(values):
    global offset
    data = np.ascontiguousarray(values).tobytes()
    chunks.append(data)
    offset += len(data)
    return [offset - len(data), len(data)]


def draw():
    """A picture of odd size: noise, a ramp, few levels, a dark one, greys or one colour."""
    width, height = int(random.integers(1, 49) * 2 + 1), int(random.integers(1, 49) * 2 + 1)
    kind = random.integers(6)
    noise = random.integers(0, 256, (height, width, 3))
    if kind == 1:
        noise = (np.add.outer(np.arange(height), np.arange(width))[..., None] * [1, 2, 3] + noise // 32) % 256
    elif kind == 2:
        noise = noise // 64 * 60
    elif kind == 3:
        noise = noise // 5 + random.integers(0, 100)
    elif kind == 4:
        noise = np.repeat(noise[..., :1], 3, axis=2)
    elif kind == 5:
        noise = np.broadcast_to(noise[:1, :1], noise.shape)
    return noise.astype(np.uint8)


def add(kind, pixels, image, **more):
    height, width = pixels.shape[:2] if kind != "erase" else pixels.shape[1:]
    cases.append({"kind": kind, "width": width, "height": height, **more, "from": put(pixels), "to": put(image)})


for name, (magnitudes, signed) in TrivialAugmentWide()._augmentation_space(31).items():
    for magnitude in magnitudes.tolist() if magnitudes.ndim > 0 else [0.0] * 40:
        for sign in (1.0, -1.0) if signed else (1.0,):
            pixels = draw()
            if name == "Rotate" and random.random() < 0.5:
                pixels = pixels[: min(pixels.shape[:2]), : min(pixels.shape[:2])].copy()
            # As TrivialAugmentWide does.
            level = float(magnitude) if not signed or sign > 0 else float(magnitude) * -1.0
            image = _apply_op(Image.fromarray(pixels), name, level, InterpolationMode.NEAREST, None)
            add("op", pixels, np.asarray(image), name=name, magnitude=level)

wide = transforms.ColorJitter(0.9, 0.9, 0.9, 0.5)
params = (wide.brightness, wide.contrast, wide.saturation, wide.hue)
for _ in range(JITTERS):
    pixels = draw()
    order, *amounts = transforms.ColorJitter.get_params(*params)
    image = Image.fromarray(pixels)
    for step in order:
        adjust = (F.adjust_brightness, F.adjust_contrast, F.adjust_saturation, F.adjust_hue)[step]
        image = adjust(image, amounts[step])
    add("jitter", pixels, np.asarray(image), order=order.tolist(), amounts=amounts)

for seed in range(ERASINGS):
    size = int(random.integers(16, 60) * 2 + 1)
    values = random.standard_normal((3, size, size)).astype(np.float32)
    torch.manual_seed(seed)
    erased = transforms.RandomErasing(p=0.7)(torch.from_numpy(values))
    after = int(torch.empty((), dtype=torch.int64).random_().item() & 0xFFFFFFFF)
    add("erase", values, erased.numpy(), seed=seed, after=after)



def share_of(alpha):
    """As torchvision's RandomMixup draws it: first whether to mix at all, here with p = 1."""
    torch.rand(1)
    return float(torch._sample_dirichlet(torch.tensor([alpha, alpha]))[0])


lambdas = {}
for alpha in (0.1, 0.2, 0.4, 1.0, 2.5):
    torch.manual_seed(7)
    lambdas[alpha] = [share_of(alpha) for _ in range(2000)]

# ---- whole loaders: what a seed means ---------------------------------------------------------------------------------
SIDE, COUNT, BATCH = 33, 26, 4
for label in range(3):
    os.makedirs(f"{out}/pictures/{label}")
for n in range(COUNT):
    Image.fromarray(draw()).save(f"{out}/pictures/{n % 3}/{n}.png")
finish = [transforms.ToTensor(), transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])]
flip = transforms.RandomHorizontalFlip()
policies = {
    "light": [transforms.RandomResizedCrop(SIDE, (0.5, 1)), flip, transforms.ColorJitter(0.2, 0.2, 0.2, 0.05), *finish],
    "strong": [transforms.RandomResizedCrop(SIDE), flip, TrivialAugmentWide(), *finish, transforms.RandomErasing(0.1)],
    "none": [transforms.Resize(round(SIDE * 256 / 224)), transforms.CenterCrop(SIDE), *finish],
}


def mixup(alpha):
    """The collate_fn of torchvision's references/classification with RandomMixup(3, p=1, alpha)."""

    def collate(samples):
        batch, target = default_collate(samples)
        target = one_hot(target, num_classes=3).float()
        rolled, target_rolled = batch.roll(1, 0), target.roll(1, 0)
        share = share_of(alpha)
        rolled.mul_(1.0 - share)
        batch.mul_(share).add_(rolled)
        target_rolled.mul_(1.0 - share)
        target.mul_(share).add_(target_rolled)
        return batch, target

    return collate


loaders = []
for policy, steps in policies.items():
    for workers in (0, 2):
        for alpha in (0, 0.4):
            torch.manual_seed(5)
            data = datasets.ImageFolder(f"{out}/pictures", transforms.Compose(steps))
            more = {"collate_fn": mixup(alpha)} if alpha > 0 else {}
            loader = DataLoader(data, batch_size=BATCH, shuffle=True, num_workers=workers, **more)
            batches = []
            for _ in range(2):
                for images, target in loader:
                    shares = target.tolist() if alpha > 0 else one_hot(target, num_classes=3).tolist()
                    batches.append({"sha256": hashlib.sha256(images.numpy().tobytes()).hexdigest(), "shares": shares})
            loaders.append({"policy": policy, "workers": workers, "mixup": alpha, "batches": batches})

# ---- losses of mixed batches ------------------------------------------------------------------------------------------
losses = []
for n in range(60):
    rows, classes = int(random.integers(1, 9)), int(random.integers(2, 7))
    logits = torch.tensor(random.normal(0, 3, (rows, classes)).astype(np.float32)).double().requires_grad_()
    labels = torch.tensor(random.integers(0, classes, rows))
    other = labels.roll(1, 0)
    share = float(np.float32(random.random())) if n % 3 else None
    smoothing = float(random.choice([0, 0.1, 0.37]))
    weights = torch.tensor(random.uniform(0.1, 5, classes).astype(np.float32)).double() if n % 2 else None
    if share is None:
        loss = cross_entropy(logits, labels, weights, label_smoothing=smoothing)
    elif weights is None:
        soft = share * one_hot(labels, classes) + (1 - share) * one_hot(other, classes)
        loss = cross_entropy(logits, soft.double(), label_smoothing=smoothing)
    else:
        each = [cross_entropy(logits, target, weights, label_smoothing=smoothing) for target in (labels, other)]
        loss = share * each[0] + (1 - share) * each[1]
    loss.backward()
    losses.append(
        {
            "logits": logits.tolist(),
            "labels": labels.tolist(),
            "share": share,
            "smoothing": smoothing,
            "weights": None if weights is None else weights.tolist(),
            "loss": loss.item(),
            "gradient": logits.grad.tolist(),
            # Of an accuracy: how many first maxima are at the label of the larger share.
            "correct": int((logits.argmax(1) == (other if share is not None and share < 0.5 else labels)).sum()),
        }
    )

with open(f"{out}/loaders.json", "w") as file:
    json.dump({"side": SIDE, "batch": BATCH, "loaders": loaders}, file)
with open(f"{out}/losses.json", "w") as file:
    json.dump(losses, file)
with open(f"{out}/cases.bin", "wb") as file:
    file.write(b"".join(chunks))
with open(f"{out}/cases.json", "w") as file:
    json.dump(cases, file)
with open(f"{out}/lambdas.json", "w") as file:
    json.dump(lambdas, file)
