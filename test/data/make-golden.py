#!/usr/bin/env python3
"""Writes test/golden/data: small pictures of random values, and the results of Pillow, torchvision and torch for them.

Run with Debian's python3 (python3-torch 1.13, python3-torchvision 0.14, python3-pil 9.4): test/data/make-golden.py
Large outputs are kept as SHA-256 only, small ones in full so that a failing test can show what differs.
"""
import base64, hashlib, json, os, shutil
import numpy as np
import torch
from PIL import Image
from torch.utils.data import DataLoader
from torchvision import datasets, transforms as T
from torchvision.transforms import functional as F

OUT = os.path.join(os.path.dirname(__file__), "..", "golden", "data")
shutil.rmtree(OUT, ignore_errors=True)
os.makedirs(f"{OUT}/pictures")
rng = np.random.default_rng(20240501)


def picture(width, height, channels=3):
    """Colour patches with some grain: compresses better than noise, and has edges."""
    coarse = rng.integers(0, 256, (height // 7 + 2, width // 7 + 2, channels), dtype=np.uint8)
    planes = [np.asarray(Image.fromarray(coarse[:, :, c]).resize((width, height), Image.BICUBIC)) for c in range(channels)]
    grain = rng.integers(-6, 7, (height, width, channels))
    pixels = np.clip(np.stack(planes, 2).astype(int) + grain, 0, 255).astype(np.uint8)
    return Image.fromarray(pixels, {1: "L", 3: "RGB", 4: "RGBA"}[channels]) if channels != 1 else Image.fromarray(pixels[:, :, 0])


def sha(data):
    return hashlib.sha256(data).hexdigest()


def full(data):
    return base64.b64encode(data).decode()


# ---- decoding: one picture per format and oddity ----------------------------------------------------------------------
P = f"{OUT}/pictures"
rgb, rgba = picture(45, 31), picture(45, 31, 4)
cmyk = Image.fromarray(np.asarray(rgba), "CMYK")
palette = rgb.quantize(16)
exif = Image.Exif()
exif[0x112] = 6  # "rotate by 90 degrees", which must be ignored
for n, subsampling in enumerate(("444", "422", "420")):
    rgb.save(f"{P}/{subsampling}.jpg", quality=85, subsampling=n)
rgb.save(f"{P}/progressive.jpg", progressive=True, quality=80)
rgb.save(f"{P}/exif-rotated.jpg", exif=exif.tobytes())
rgb.convert("L").save(f"{P}/grey.jpg")
cmyk.save(f"{P}/cmyk.jpg", quality=90)
cmyk.save(f"{P}/cmyk.tif", compression="tiff_lzw")
rgb.save(f"{P}/rgb.png")
rgba.save(f"{P}/alpha.png")
rgba.convert("LA").save(f"{P}/grey-alpha.png")
palette.save(f"{P}/palette.png", transparency=3)
rgb.convert("1").save(f"{P}/bilevel.png")
rgba.save(f"{P}/alpha.webp", lossless=True, exact=True)
rgb.save(f"{P}/lossy.webp", quality=70)
rgb.save(f"{P}/rgb.bmp")
palette.save(f"{P}/palette.bmp")
rgb.convert("1").save(f"{P}/bilevel.bmp")
rgb.save(f"{P}/rgb.ppm")
rgb.convert("L").save(f"{P}/grey.pgm")
jpeg = open(f"{P}/444.jpg", "rb").read()
open(f"{P}/trailing-bytes.jpg", "wb").write(jpeg + b"not part of the picture")
damaged = bytearray(jpeg)
damaged[len(jpeg) * 2 // 3] ^= 0x55  # libjpeg warns and goes on; so does Pillow
open(f"{P}/damaged.jpg", "wb").write(damaged)
os.makedirs(f"{OUT}/broken")
open(f"{OUT}/broken/no-end-marker.jpg", "wb").write(jpeg[:-2])
open(f"{OUT}/broken/half.jpg", "wb").write(jpeg[: len(jpeg) // 2])
png = open(f"{P}/rgb.png", "rb").read()
open(f"{OUT}/broken/half.png", "wb").write(png[: len(png) // 2])
bmp = open(f"{P}/rgb.bmp", "rb").read()
open(f"{OUT}/broken/half.bmp", "wb").write(bmp[: len(bmp) // 2])
open(f"{OUT}/broken/text.jpg", "w").write("not a picture\n")

decoded = {}
for name in sorted(os.listdir(P)):
    image = Image.open(f"{P}/{name}").convert("RGB")
    decoded[name] = {"width": image.width, "height": image.height, "sha256": sha(image.tobytes())}
for name in sorted(os.listdir(f"{OUT}/broken")):
    try:
        Image.open(f"{OUT}/broken/{name}").convert("RGB")
        raise SystemExit(f"{name}: Pillow should refuse this")
    except OSError:
        pass

# ---- resize: odd sizes up and down, crops -----------------------------------------------------------------------------
large = picture(331, 247)
large.save(f"{P}/large.jpg", quality=70)
large = Image.open(f"{P}/large.jpg").convert("RGB")
small = Image.open(f"{P}/rgb.png").convert("RGB")
resize = []
for name, image, box, size in [
    ("rgb.png", small, (0, 0, 31, 45), (19, 23)),
    ("rgb.png", small, (0, 0, 31, 45), (37, 29)),
    ("rgb.png", small, (0, 0, 31, 45), (31, 17)),
    ("rgb.png", small, (0, 0, 31, 45), (13, 45)),
    ("rgb.png", small, (0, 0, 31, 45), (31, 45)),
    ("rgb.png", small, (3, 7, 11, 13), (16, 16)),
    ("rgb.png", small, (30, 44, 1, 1), (5, 4)),
    ("rgb.png", small, (0, 0, 31, 45), (1, 1)),
    ("rgb.png", small, (4, 0, 16, 45), (224, 224)),
    ("large.jpg", large, (0, 0, 247, 331), (224, 224)),
    ("large.jpg", large, (11, 23, 231, 300), (224, 224)),
    ("large.jpg", large, (100, 50, 97, 113), (224, 224)),
    ("large.jpg", large, (0, 0, 247, 331), (31, 7)),
]:
    top, left, height, width = box
    pixels = F.resized_crop(image, top, left, height, width, size).tobytes()
    row = {"picture": name, "box": box, "size": size, "sha256": sha(pixels)}
    if len(pixels) < 4000:
        row["pixels"] = full(pixels)
    resize.append(row)

# ---- the val transform, also where the crop is larger than the picture ------------------------------------------------
normalize = T.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
val = []
for name, image in [("rgb.png", small), ("large.jpg", large)]:
    for size, shorter in [(224, 256), (24, 31), (24, 20), (33, 29), (40, 31), (21, 21)]:
        crop = T.Compose([T.Resize(shorter), T.CenterCrop(size)])(image)
        values = normalize(T.ToTensor()(crop)).numpy()
        val.append({"picture": name, "size": size, "resize": shorter, "pixels": sha(crop.tobytes()), "values": sha(values.tobytes())})
centre = []
for size in [20, 31, 38, 45, 50]:
    pixels = T.CenterCrop(size)(small).tobytes()
    centre.append({"picture": "rgb.png", "size": size, "sha256": sha(pixels)})

ramp = np.tile(np.arange(256, dtype=np.uint8).reshape(16, 16, 1), (1, 1, 3))
normalized = normalize(T.ToTensor()(Image.fromarray(ramp))).numpy()

# ---- random numbers beyond the vectors written into mt19937.test.ts ---------------------------------------------------
torch.manual_seed(7)
crops = []
for width, height in [(500, 375), (375, 500), (31, 45), (9, 2), (2, 9), (1, 1), (4000, 13), (130, 97)] * 6:
    i, j, h, w = T.RandomResizedCrop.get_params(Image.new("RGB", (width, height)), (0.08, 1.0), (3 / 4, 4 / 3))
    crops.append([width, height, i, j, h, w])
normals = {}
for count in (3, 16, 21, 48):
    torch.manual_seed(11)
    normals[count] = torch.empty(count).normal_(0.5, 2).tolist() + [torch.rand(1).item()]

# ---- two epochs of a real DataLoader ----------------------------------------------------------------------------------
# Names that sort differently by code point, by locale and by UTF-16 unit; a nested folder; files that must be ignored.
for n, name in enumerate(
    ["Wasp/b.png", "Wasp/B.jpg", "Wasp/a 1.jpeg", "Wasp/a(2).PNG", "ant/nested/z.jpg", "ant/x10.png", "ant/x2.png", "ant/.jpg",
     "\uff5e/\U0001f41d.jpg", "\uff5e/\uff5e.jpg", "\uff5e/c.png"]
):
    path = f"{OUT}/folder/{name}"
    os.makedirs(os.path.dirname(path), exist_ok=True)
    picture(29 + 7 * n % 23, 26 + 11 * n % 19).save(path, "PNG" if path.lower().endswith("png") else "JPEG", quality=80)
open(f"{OUT}/folder/ant/notes.txt", "w").write("Not a picture: left out.\n")
open(f"{OUT}/folder/stray.jpg", "w").write("Not in a class: left out.\n")
os.makedirs(f"{OUT}/folder/\U0001f41d")
picture(30, 30).save(f"{OUT}/folder/\U0001f41d/only.png")


class RecordingCrop(T.RandomResizedCrop):
    def forward(self, image):
        self.params = self.get_params(image, self.scale, self.ratio)
        return F.resized_crop(image, *self.params, self.size, self.interpolation)


class Recording(torch.utils.data.Dataset):
    """The sample and its random draws: index, crop, flip."""

    def __init__(self, folder, size):
        self.folder, self.crop, self.finish = folder, RecordingCrop(size), T.Compose([T.ToTensor(), normalize])

    def __len__(self):
        return len(self.folder)

    def __getitem__(self, index):
        image, label = self.folder[index]
        image = self.crop(image)
        flip = bool(torch.rand(1) < 0.5)  # as RandomHorizontalFlip does
        return self.finish(F.hflip(image) if flip else image), label, torch.tensor([index, *self.crop.params, int(flip)])


train = Recording(datasets.ImageFolder(f"{OUT}/folder"), 64)
valid = datasets.ImageFolder(f"{OUT}/folder", T.Compose([T.Resize(72), T.CenterCrop(64), T.ToTensor(), normalize]))
epochs = {}
for workers in (0, 2, 3):
    torch.manual_seed(3)
    rows = []
    for _ in range(2):
        for x, y, drawn in DataLoader(train, batch_size=5, shuffle=True, num_workers=workers):
            rows.append({"kind": "train", "labels": y.tolist(), "drawn": drawn.tolist(), "values": sha(x.numpy().tobytes())})
        for x, y in DataLoader(valid, batch_size=5, shuffle=True, num_workers=workers):
            rows.append({"kind": "val", "labels": y.tolist(), "values": sha(x.numpy().tobytes())})
    # Leave an epoch after one batch, then take the next value of the main generator.
    for x, y, drawn in DataLoader(train, batch_size=5, shuffle=True, num_workers=workers):
        break
    for x, y in DataLoader(valid, batch_size=5, shuffle=False, num_workers=workers):
        pass
    epochs[workers] = {"batches": rows, "afterBreak": torch.rand(1).item()}
samples = [[os.path.relpath(path, f"{OUT}/folder"), label] for path, label in valid.samples]

json.dump(
    {
        "versions": {"torch": torch.__version__, "Pillow": Image.__version__},
        "decoded": decoded,
        "resize": resize,
        "val": val,
        "centre": centre,
        "normalized": full(normalized.tobytes()),
        "crops": crops,
        "normals": normals,
        "classes": valid.classes,
        "samples": samples,
        "epochs": epochs,
    },
    open(f"{OUT}/golden.json", "w"),
    indent=1,
)
