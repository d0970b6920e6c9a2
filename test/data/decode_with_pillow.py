#!/usr/bin/env python3
"""decode_with_pillow.py DIR OUT [--size 224] [--resize 256]: decodes every picture below DIR with Pillow.

Writes OUT, raw bytes, and OUT.json, a list with one entry per picture, sorted by path:
  path           relative to DIR
  width, height  pixels
  offset         position in OUT of its decoded RGB, height·width·3 bytes
  cropOffset     position of its val crop (Resize, CenterCrop, before ToTensor), size·size·3 bytes
Needs Pillow only; the two transforms are torchvision 0.14's, written out.
"""
import argparse, json, os
from PIL import Image

EXTENSIONS = (".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp")


def val_crop(image, size, resize):
    width, height = image.size
    if min(width, height) != resize:
        longer = int(resize * max(width, height) / min(width, height))
        image = image.resize((resize, longer) if width <= height else (longer, resize), Image.BILINEAR)
        width, height = image.size
    if width < size or height < size:
        padded = Image.new("RGB", (max(width, size), max(height, size)))
        padded.paste(image, (max(size - width, 0) // 2, max(size - height, 0) // 2))
        image, (width, height) = padded, padded.size
    left, top = round((width - size) / 2), round((height - size) / 2)
    return image.crop((left, top, left + size, top + size))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("dir")
    parser.add_argument("out")
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--resize", type=int, default=256)
    args = parser.parse_args()
    paths = sorted(
        os.path.join(root, name)
        for root, _, names in os.walk(args.dir, followlinks=True)
        for name in names
        if name.lower().endswith(EXTENSIONS)
    )
    if not paths:
        raise SystemExit(f"{args.dir}: no pictures found below this folder. Check the path.")
    index = []
    with open(args.out, "wb") as out:
        for path in paths:
            image = Image.open(path).convert("RGB")
            entry = {"path": os.path.relpath(path, args.dir), "width": image.width, "height": image.height, "offset": out.tell()}
            out.write(image.tobytes())
            entry["cropOffset"] = out.tell()
            out.write(val_crop(image, args.size, args.resize).tobytes())
            index.append(entry)
    with open(args.out + ".json", "w") as file:
        json.dump(index, file, indent=1)
    print(f"{len(index)} pictures: {args.out}, {args.out}.json")


if __name__ == "__main__":
    main()
