"""Draws the pictures of test/golden/data/heic: one as it is, and one that its container turns, as iPhones write them.

Needs heif-enc (Debian's libheif-examples) and Pillow. `make-heic.py OUT`
"""
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image, ImageDraw

out = Path(sys.argv[1])
WIDTH, HEIGHT = 64, 48


def drawn():
    """Red corner at the top left, green at the top right, blue at the bottom left, the rest grey."""
    image = Image.new("RGB", (WIDTH, HEIGHT), (128, 128, 128))
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 0, 23, 15), fill=(230, 20, 20))
    draw.rectangle((48, 0, 63, 15), fill=(20, 200, 20))
    draw.rectangle((0, 32, 15, 47), fill=(20, 20, 230))
    return image


def boxes(data, start, end):
    at = start
    while at + 8 <= end:
        size, kind = struct.unpack(">I4s", data[at : at + 8])
        yield kind.decode(), at, at + size
        at += size


def find(data, path):
    """The positions of the boxes on a path from the file's start."""
    start, end, found = 0, len(data), []
    for kind in path:
        at, end = next((at, end) for name, at, end in boxes(data, start, end) if name == kind)
        found.append(at)
        start = at + (12 if kind == "meta" else 8)
    return found


def insert(data, at, bytes_, owners):
    """Puts bytes at a position, and makes the boxes around them longer."""
    data[at:at] = bytes_
    for owner in owners:
        (size,) = struct.unpack(">I", data[owner : owner + 4])
        data[owner : owner + 4] = struct.pack(">I", size + len(bytes_))


def turned(data, quarters):
    """The file with `irot`: turned anticlockwise by so many quarters."""
    data = bytearray(data)
    meta, iprp, ipco = find(data, ["meta", "iprp", "ipco"])
    (size,) = struct.unpack(">I", data[ipco : ipco + 4])
    index = 1 + sum(1 for _ in boxes(data, ipco + 8, ipco + size))
    insert(data, ipco + size, struct.pack(">I4sB", 9, b"irot", quarters), [meta, iprp, ipco])
    ipma = find(data, ["meta", "iprp", "ipma"])[2]
    # Version and flags, two items: the tile and the grid of tiles, which is the picture and comes last; of each its
    # number in 16 bits, how many properties, and a byte for each.
    assert data[ipma + 8 : ipma + 16] == bytes(7) + b"\2", "expected two items, and properties of 8 bits"
    grid = ipma + 16 + 3 + data[ipma + 18]
    insert(data, grid + 3 + data[grid + 2], bytes([0x80 | index]), [meta, iprp, ipma])
    data[grid + 2] += 1
    iloc = find(data, ["meta", "iloc"])[1]
    assert data[iloc + 8] == 1 and data[iloc + 12 : iloc + 14] == b"\x44\x40", "expected offsets and lengths of 32 bits"
    # The tile has one extent in the file, behind four numbers; and the grid lies in the container.
    place = iloc + 16 + 12
    (offset,) = struct.unpack(">I", data[place : place + 4])
    data[place : place + 4] = struct.pack(">I", offset + 10)
    return bytes(data)


with tempfile.TemporaryDirectory() as folder:
    png, heic = Path(folder, "a.png"), Path(folder, "a.heic")
    drawn().save(png)
    subprocess.run(["heif-enc", "-q", "90", "-p", "chroma=444", png, "-o", heic], check=True)
    plain = heic.read_bytes()
out.mkdir(parents=True, exist_ok=True)
(out / "upright.heic").write_bytes(plain)
(out / "turned.heic").write_bytes(turned(plain, 3))
