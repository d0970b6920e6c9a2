#!/usr/bin/env python3
"""Writes test/golden/data-input.json: Pillow's bicubic resize of small pictures, the transforms that torchvision states for
its weights, and what they make of a picture.

Run with Debian's python3 (python3-torch 1.13, python3-torchvision 0.14, python3-pil 9.4): test/data/make-golden-input.py
Pixels and values are kept as SHA-256.
"""
import hashlib, json, os
import numpy as np
from PIL import Image
from torchvision import models
from torchvision.transforms import functional as F, InterpolationMode
from torchvision.transforms._presets import ImageClassification

GOLDEN = os.path.join(os.path.dirname(__file__), "..", "golden")


def sha(data):
    return hashlib.sha256(data).hexdigest()


def hard(width, height):
    """Black and white in an irregular order: a cubic goes beyond both. The test draws the same."""
    i = np.arange(width * height * 3, dtype=np.int64)
    values = np.where((i * i * 31 + i * 7) >> 3 & 1, 255, 0).astype(np.uint8)
    return Image.fromarray(values.reshape(height, width, 3))


pictures = {"rgb.png": None, "large.jpg": None}
for name in pictures:
    pictures[name] = Image.open(f"{GOLDEN}/data/pictures/{name}").convert("RGB")
for width, height in [(40, 23), (301, 7)]:
    pictures[f"{width}x{height}"] = hard(width, height)

# ---- resize: top, left, height, width of the box; height and width of the result --------------------------------------
resize = []
for name, box, size in [
    ("rgb.png", (0, 0, 31, 45), (19, 23)),
    ("rgb.png", (0, 0, 31, 45), (37, 29)),
    ("rgb.png", (0, 0, 31, 45), (31, 17)),
    ("rgb.png", (0, 0, 31, 45), (13, 45)),
    ("rgb.png", (0, 0, 31, 45), (31, 45)),
    ("rgb.png", (3, 7, 11, 13), (16, 16)),
    ("rgb.png", (30, 44, 1, 1), (5, 4)),
    ("rgb.png", (0, 0, 31, 45), (1, 1)),
    ("large.jpg", (11, 23, 231, 300), (224, 224)),
    ("large.jpg", (100, 50, 97, 113), (224, 224)),
    ("large.jpg", (0, 0, 247, 331), (31, 7)),
    ("40x23", (0, 0, 23, 40), (64, 31)),
    ("40x23", (0, 0, 23, 40), (9, 13)),
    ("40x23", (1, 2, 3, 5), (50, 2)),
    ("301x7", (0, 0, 7, 301), (3, 300)),
    ("301x7", (0, 0, 7, 301), (14, 2)),
]:
    pixels = F.resized_crop(pictures[name], *box, size, InterpolationMode.BICUBIC).tobytes()
    resize.append({"picture": name, "box": box, "size": size, "sha256": sha(pixels)})

# ---- the transforms of all weights of the nets that are read --------------------------------------------------------------
NETS = """ResNet18 ResNet34 ResNet50 ResNet101 ResNet152 ResNeXt50_32X4D ResNeXt101_32X8D ResNeXt101_64X4D Wide_ResNet50_2
Wide_ResNet101_2 MobileNet_V2 MobileNet_V3_Large MobileNet_V3_Small EfficientNet_B0 ConvNeXt_Tiny""".split()
weights = []
for net in NETS:
    for one in getattr(models, f"{net}_Weights"):
        transforms = one.transforms()
        weights.append({
            "architecture": net.lower(),
            "file": one.url.rsplit("/", 1)[1],
            "first": one.name == "IMAGENET1K_V1",
            "input": {
                "resize": transforms.resize_size[0],
                "crop": transforms.crop_size[0],
                "interpolation": transforms.interpolation.value,
                "mean": transforms.mean,
                "std": transforms.std,
            },
        })

# ---- what such transforms make of pictures, also where the crop is larger --------------------------------------------------
val = []
for name, resize_size, crop, interpolation, mean, std in [
    ("large.jpg", 232, 224, "bilinear", None, None),
    ("large.jpg", 256, 224, "bicubic", None, None),
    ("rgb.png", 40, 64, "bicubic", (0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
    ("301x7", 37, 32, "bicubic", (0.1, 0.2, 0.3), (1.0, 0.3, 0.7)),
    ("40x23", 37, 32, "bilinear", (0.5, 0.4, 0.3), (0.25, 0.5, 1.0)),
]:
    given = {"mean": mean, "std": std} if mean else {}
    transform = ImageClassification(
        crop_size=crop, resize_size=resize_size, interpolation=InterpolationMode(interpolation), **given
    )
    image = pictures[name]
    cropped = F.center_crop(F.resize(image, [resize_size], InterpolationMode(interpolation)), [crop])
    val.append({
        "picture": name,
        "input": {
            "resize": resize_size, "crop": crop, "interpolation": interpolation,
            "mean": transform.mean, "std": transform.std,
        },
        "pixels": sha(cropped.tobytes()),
        "values": sha(transform(image).numpy().tobytes()),
    })

with open(f"{GOLDEN}/data-input.json", "w") as file:
    json.dump({"resize": resize, "weights": weights, "val": val}, file, indent=1)
    file.write("\n")
