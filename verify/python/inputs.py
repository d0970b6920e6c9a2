"""How torchvision's weights take pictures: argv: a folder to write drawn pictures (PNG), results.bin and results.json to.

results.json has the stated input of each of torchvision's weights, and for each picture and input where in results.bin the
cropped pixels and the normalised tensor lie; for random crops, the resized pixels.
"""
import json
import os
import sys

import numpy as np
from PIL import Image
from torchvision import models
from torchvision.transforms import InterpolationMode
from torchvision.transforms import functional as F
from torchvision.transforms._presets import ImageClassification

NETS = """ResNet18 ResNet34 ResNet50 ResNet101 ResNet152 ResNeXt50_32X4D ResNeXt101_32X8D ResNeXt101_64X4D Wide_ResNet50_2
Wide_ResNet101_2 MobileNet_V2 MobileNet_V3_Large MobileNet_V3_Small EfficientNet_B0 ConvNeXt_Tiny""".split()
SIZES = [(500, 375), (331, 247), (247, 332), (97, 640), (45, 31), (224, 224), (256, 256), (1201, 803), (3, 50)]
out = sys.argv[1]
rng = np.random.default_rng(7)
blob = open(os.path.join(out, "results.bin"), "wb")


def keep(array):
    offset = blob.tell()
    blob.write(np.ascontiguousarray(array).tobytes())
    return offset


def draw(width, height):
    """Patches with hard edges and grain; every third picture is black and white noise, beyond which a cubic goes."""
    coarse = rng.integers(0, 256, (height // 9 + 1, width // 9 + 1, 3), dtype=np.uint8)
    pixels = np.kron(coarse, np.ones((9, 9, 1), np.uint8))[:height, :width].astype(int) + rng.integers(-9, 10, (height, width, 3))
    if draw.count % 3 == 2:
        pixels = rng.integers(0, 2, (height, width, 3)) * 255
    draw.count += 1
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


draw.count = 0
pictures = [draw(*size) for size in SIZES]
for i, picture in enumerate(pictures):
    picture.save(os.path.join(out, f"{i}.png"))


def stated(transform):
    return {
        "resize": transform.resize_size[0], "crop": transform.crop_size[0],
        "interpolation": transform.interpolation.value, "mean": transform.mean, "std": transform.std,
    }


weights, transforms = [], {}
for net in NETS:
    for one in getattr(models, f"{net}_Weights"):
        transform = one.transforms()
        weights.append({"architecture": net.lower(), "file": one.url.rsplit("/", 1)[1], "input": stated(transform)})
        transforms[json.dumps(stated(transform))] = transform
# Beside them a smaller side, statistics of others, and a crop that is larger than the picture.
for transform in [
    ImageClassification(crop_size=160, resize_size=183),
    ImageClassification(crop_size=96, resize_size=110, interpolation=InterpolationMode.BICUBIC),
    ImageClassification(
        crop_size=64, resize_size=48, interpolation=InterpolationMode.BICUBIC, mean=(0.5, 0.4, 0.3), std=(0.25, 0.5, 1.0)
    ),
]:
    transforms[json.dumps(stated(transform))] = transform

inputs = []
for text, transform in transforms.items():
    results = []
    for picture in pictures:
        cropped = F.center_crop(F.resize(picture, transform.resize_size, transform.interpolation), transform.crop_size)
        results.append({"pixels": keep(np.asarray(cropped)), "values": keep(transform(picture).numpy())})
    inputs.append({"input": json.loads(text), "results": results})

crops = []
for i, picture in enumerate(pictures):
    for interpolation in ["bilinear", "bicubic"]:
        for _ in range(6):
            width, height = (int(rng.integers(1, extent + 1)) for extent in picture.size)
            left, top = (int(rng.integers(0, a - b + 1)) for a, b in zip(picture.size, (width, height)))
            size = int(rng.integers(16, 225))
            resized = F.resized_crop(picture, top, left, height, width, [size, size], InterpolationMode(interpolation))
            box = {"top": top, "left": left, "width": width, "height": height}
            where = keep(np.asarray(resized))
            crops.append({"picture": i, "box": box, "size": size, "interpolation": interpolation, "pixels": where})

blob.close()
with open(os.path.join(out, "results.json"), "w") as file:
    json.dump({"pictures": len(pictures), "weights": weights, "inputs": inputs, "crops": crops}, file)
