"""augment.py OUT: what torchvision 0.14 and Pillow make of drawn pictures of odd sizes, for given draws.

Writes into the folder OUT: cases.json with a list of cases, cases.bin with their pixels or floats, and lambdas.json.
Each case names its place in cases.bin: `from` (the input) and `to` (the result), both as [offset, bytes].
"""
import json
import sys

import numpy as np
import torch
from PIL import Image
from torchvision import transforms
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
    height, width = pixels.shape[:2]
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
    add("erase", values.transpose(1, 2, 0), erased.numpy(), seed=seed, after=after)
    cases[-1]["from"] = put(values)

lambdas = {}
for alpha in (0.1, 0.2, 0.4, 1.0, 2.5):
    torch.manual_seed(7)
    lambdas[alpha] = [float(torch._sample_dirichlet(torch.tensor([alpha, alpha]))[0]) for _ in range(2000)]

with open(f"{out}/cases.bin", "wb") as file:
    file.write(b"".join(chunks))
with open(f"{out}/cases.json", "w") as file:
    json.dump(cases, file)
with open(f"{out}/lambdas.json", "w") as file:
    json.dump(lambdas, file)
