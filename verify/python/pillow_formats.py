"""Draws pictures of every mode and kind that Pillow writes or reads, and lists Pillow's pixels of each.

`pillow_formats.py OUT` writes the files and OUT/pillow.json: for each name its size and the SHA-256 of the bytes of
convert('RGB'), or Pillow's error; and under `turned` the same after exif_transpose.
"""
import hashlib
import io
import json
import os
import random
import struct
import sys
import warnings
import zlib

from PIL import Image, ImageOps
from written_files import bmp, png, tiff

warnings.simplefilter("ignore")
SIZES = [(37, 23), (1, 1), (8, 5), (130, 66)]
files = {}


def base(width, height, bands, seed=0, deep=False):
    """Bytes of a picture with gradients, edges and noise."""
    draw = random.Random(f"{width} {height} {bands} {seed}")
    out = bytearray()
    for y in range(height):
        for x in range(width):
            for band in range(bands):
                value = (x * 7 + y * (3 + band) * 5 + band * 60) % 256
                if (x // 5 + y // 4) % 3 == 0:
                    value = 255 * ((x + band) % 2)
                if draw.random() < 0.3:
                    value = draw.randrange(256)
                out.append(value)
    return bytes(out)


def picture(mode, size, seed=0):
    width, height = size
    if mode == "1":
        return Image.frombytes("L", size, base(width, height, 1, seed)).point(lambda v: 255 * (v > 127)).convert("1")
    if mode in ("I;16", "I;16B", "I", "F"):
        values = [v * (1 if i % 2 else 257) for i, v in enumerate(base(width, height, 1, seed))]
        kind = {"I;16": "<H", "I;16B": ">H", "I": "=i", "F": "=f"}[mode]
        return Image.frombytes(mode, size, b"".join(struct.pack(kind, v) for v in values))
    bands = len(Image.new(mode, (1, 1)).getbands())
    image = Image.frombytes(mode, size, base(width, height, bands, seed))
    if mode in ("P", "PA"):
        image.putpalette(base(256, 1, 3, 9))
    return image


def save(name, image, format, **options):
    out = io.BytesIO()
    try:
        image.save(out, format, **options)
    except Exception:  # Pillow does not write this combination.
        return
    files[name] = out.getvalue()


def few(size, colors):
    image = Image.frombytes("P", size, bytes(v % colors for v in base(*size, 1)))
    image.putpalette(base(colors, 1, 3, 9))
    return image


def draw_png():
    for size in SIZES:
        tag = f"{size[0]}x{size[1]}"
        for mode in ("1", "L", "LA", "P", "RGB", "RGBA", "I", "I;16"):
            save(f"png-{mode}-{tag}.png", picture(mode, size), "PNG")
        for colors in (2, 3, 4, 16, 17, 256):
            save(f"png-palette{colors}-{tag}.png", few(size, colors), "PNG")
            save(f"png-palette{colors}-clear-{tag}.png", few(size, colors), "PNG", transparency=1)
            save(f"png-palette{colors}-veil-{tag}.png", few(size, colors), "PNG", transparency=bytes([0, 100]))
        save(f"png-L-clear-{tag}.png", picture("L", size), "PNG", transparency=0)
        save(f"png-RGB-clear-{tag}.png", picture("RGB", size), "PNG", transparency=(255, 0, 255))
        save(f"png-animated-{tag}.png", picture("RGBA", size), "PNG", save_all=True, append_images=[picture("RGBA", size, 1)])
        for interlaced in (False, True):
            for color, bands in ((0, 1), (2, 3), (3, 1), (4, 2), (6, 4)):
                for depth in {0: (1, 2, 4, 8, 16), 3: (1, 2, 4, 8)}.get(color, (8, 16)):
                    data = base(*size, bands)
                    low = base(*size, bands, 5)

                    def sample(x, y):
                        at = (y * size[0] + x) * bands
                        if depth == 16:
                            return [data[at + b] * 256 + low[at + b] if b or x % 3 else low[at + b] for b in range(bands)]
                        return [data[at + b] >> (8 - depth) for b in range(bands)]

                    chunks = [(b"gAMA", struct.pack(">I", 45455))]
                    if color == 3:
                        chunks.append((b"PLTE", base(2**depth, 1, 3, 9)))
                    kind = f"color{color}-{depth}bit{'-interlaced' if interlaced else ''}-{tag}"
                    files[f"png-{kind}.png"] = png(*size, depth, color, sample, interlaced=interlaced, chunks=chunks)


def draw_jpeg():
    for size in SIZES:
        tag = f"{size[0]}x{size[1]}"
        for mode in ("1", "L", "RGB", "CMYK", "YCbCr"):
            for progressive in (False, True):
                for quality in (1, 75, 100):
                    for subsampling in (0, 1, 2) if mode in ("RGB", "YCbCr") else (-1,):
                        name = f"jpeg-{mode}-{'progressive-' if progressive else ''}q{quality}-s{subsampling}-{tag}.jpg"
                        options = {"quality": quality, "progressive": progressive, "subsampling": subsampling}
                        save(name, picture(mode, size), "JPEG", **options)
        save(f"jpeg-optimized-{tag}.jpg", picture("RGB", size), "JPEG", optimize=True)
        save(f"jpeg-mpo-{tag}.jpg", picture("RGB", size), "MPO", save_all=True, append_images=[picture("RGB", size, 1)])


def draw_turned():
    for size in SIZES:
        for orientation in range(10):
            exif = Image.Exif()
            exif[0x0112] = orientation
            tag = f"exif{orientation}-{size[0]}x{size[1]}"
            save(f"jpeg-{tag}.jpg", picture("RGB", size), "JPEG", exif=exif)
            save(f"jpeg-CMYK-{tag}.jpg", picture("CMYK", size), "JPEG", exif=exif, progressive=True)
            for mode in ("RGBA", "P", "L", "I"):
                save(f"png-{mode}-{tag}.png", picture(mode, size), "PNG", exif=exif)
            for lossless in (False, True):
                save(f"webp-{'lossless-' if lossless else ''}{tag}.webp", picture("RGB", size), "WEBP", exif=exif, lossless=lossless)


def draw_gif():
    for size in SIZES:
        tag = f"{size[0]}x{size[1]}"
        for mode in ("1", "L", "P", "RGB", "RGBA"):
            for interlace in (0, 1):
                save(f"gif-{mode}-i{interlace}-{tag}.gif", picture(mode, size), "GIF", interlace=interlace)
            save(f"gif-{mode}-clear-{tag}.gif", picture(mode, size), "GIF", transparency=0)
        for colors in (2, 3, 4, 17):
            for options in ({}, {"transparency": 1}, {"background": 1}, {"transparency": 0, "disposal": 2}):
                name = "-".join(["gif", f"palette{colors}", *options, tag])
                save(f"{name}.gif", few(size, colors), "GIF", **options)
                # The same on a larger screen, at its corner and away from it.
                if f"{name}.gif" in files:
                    data = files[f"{name}.gif"]
                    wide = data[:6] + struct.pack("<HH", size[0] + 9, size[1] + 4) + data[10:]
                    files[f"{name}-part.gif"] = wide
                    at = wide.rindex(b"\x2c\0\0\0\0" + struct.pack("<HH", *size))
                    files[f"{name}-apart.gif"] = wide[: at + 1] + struct.pack("<HH", 3, 2) + wide[at + 5 :]
                    files[f"{name}-beyond.gif"] = wide[: at + 1] + struct.pack("<HH", 30, 2) + wide[at + 5 :]
        more = [picture("P", size, 1), picture("P", size, 2)]
        save(f"gif-animated-{tag}.gif", picture("P", size), "GIF", save_all=True, append_images=more)


def draw_webp():
    for size in SIZES:
        tag = f"{size[0]}x{size[1]}"
        for mode in ("L", "LA", "P", "RGB", "RGBA", "CMYK"):
            for options in ({"quality": 5}, {"quality": 80}, {"lossless": True}, {"lossless": True, "exact": True}):
                kind = "-".join(f"{key}{value}" for key, value in options.items())
                save(f"webp-{mode}-{kind}-{tag}.webp", picture(mode, size), "WEBP", **options)
            more = [picture(mode, size, 1)]
            options = {"save_all": True, "append_images": more, "background": (9, 99, 199, 255)}
            save(f"webp-{mode}-animated-{tag}.webp", picture(mode, size), "WEBP", **options)


def draw_tiff():
    ways = [None, "raw", "tiff_lzw", "tiff_adobe_deflate", "tiff_deflate", "packbits", "group3", "group4", "tiff_ccitt"]
    ways += ["jpeg", "lzma", "zstd", "webp"]
    for size in SIZES:
        tag = f"{size[0]}x{size[1]}"
        for mode in ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr", "LAB", "I;16", "I;16B", "I", "F"):
            for way in ways:
                save(f"tiff-{mode}-{way}-{tag}.tif", picture(mode, size), "TIFF", compression=way)
        for orientation in range(0, 10):
            for way in (None, "tiff_lzw", "jpeg"):
                for mode in ("L", "RGB"):
                    name = f"tiff-{mode}-orientation{orientation}-{way}-{tag}.tif"
                    save(name, picture(mode, size), "TIFF", compression=way, tiffinfo={274: orientation})
        for mode in ("1", "L"):
            save(f"tiff-{mode}-white0-{tag}.tif", picture(mode, size), "TIFF", tiffinfo={262: 0})
        for mode in ("L", "RGB", "RGBA"):
            save(f"tiff-{mode}-predictor-{tag}.tif", picture(mode, size), "TIFF", compression="tiff_lzw", tiffinfo={317: 2})
        more = [picture("RGB", (9, 7), 1)]
        save(f"tiff-pages-{tag}.tif", picture("RGB", size), "TIFF", save_all=True, append_images=more)
        write_tiff(size, tag)


def write_tiff(size, tag):
    width, height = size
    layouts = [(photo, (bits,), ()) for photo in (0, 1, 3) for bits in (1, 2, 4, 8, 12, 16, 32)]
    for bits in (8, 16):
        for extra in ((), (0,), (1,), (2,), (999,), (0, 0), (2, 0), (1, 0)):
            layouts.append((2, (bits,) * (3 + max(len(extra), extra == ())), extra))
            layouts.append((1, (bits,) * (1 + len(extra)), extra))
            layouts.append((3, (bits,) * (1 + len(extra)), extra))
            layouts.append((5, (bits,) * (4 + len(extra)), extra))
        layouts += [(2, (bits,) * 3, ()), (6, (bits,) * 3, ()), (8, (bits,) * 3, ())]
    for photo, bits, extra in layouts:
        row = (width * sum(bits) + 7) // 8
        data = base(row, height, 1, len(bits))
        tags = {258: (3, list(bits)), 259: (3, [1]), 262: (3, [photo]), 277: (3, [len(bits)])}
        if extra:
            tags[338] = (3, list(extra))
        if photo == 3:
            tags[320] = (3, [v * 257 for v in base(2 ** min(bits[0], 8), 1, 3, 9)])
        name = f"tiff-written-photo{photo}-bits{'+'.join(map(str, bits))}-extra{'+'.join(map(str, extra))}"
        for order in "<>":
            end = "le" if order == "<" else "be"
            files[f"{name}-{end}-{tag}.tif"] = tiff(width, height, data, tags, order=order)
            for fmt in (2, 3):
                signed = {**tags, 339: (3, [fmt] * len(bits))}
                files[f"{name}-{end}-format{fmt}-{tag}.tif"] = tiff(width, height, data, signed, order=order)
            files[f"{name}-{end}-big-{tag}.tif"] = tiff(width, height, data, tags, order=order, big=True)
            files[f"{name}-{end}-fill-{tag}.tif"] = tiff(width, height, data, {**tags, 266: (3, [2])}, order=order)
            planes = [base((width * one + 7) // 8, height, 1, i) for i, one in enumerate(bits)]
            planar = {**tags, 284: (3, [2])}
            files[f"{name}-{end}-planes-{tag}.tif"] = tiff(width, height, planes, planar, order=order)
            planar[259] = (3, [8])
            packed = [zlib.compress(plane) for plane in planes]
            files[f"{name}-{end}-planes-deflate-{tag}.tif"] = tiff(width, height, packed, planar, order=order)
            whole = {**tags, 259: (3, [8])}
            files[f"{name}-{end}-deflate-{tag}.tif"] = tiff(width, height, zlib.compress(data), whole, order=order)


def draw_bmp():
    orders = {"bgrx": (0xFF0000, 0xFF00, 0xFF, 0), "bgra": (0xFF0000, 0xFF00, 0xFF, 0xFF000000), "zero": (0, 0, 0, 0)}
    orders.update({"rgba": (0xFF, 0xFF00, 0xFF0000, 0xFF000000), "xbgr": (0xFF000000, 0xFF0000, 0xFF00, 0)})
    orders.update({"abgr": (0xFF000000, 0xFF0000, 0xFF00, 0xFF), "rgbx": (0xFF, 0xFF00, 0xFF0000, 0)})
    orders.update({"565": (0xF800, 0x7E0, 0x1F, 0), "555": (0x7C00, 0x3E0, 0x1F, 0), "444": (0xF00, 0xF0, 0xF, 0xF000)})
    for size in SIZES:
        tag = f"{size[0]}x{size[1]}"
        width, height = size
        for mode in ("1", "L", "P", "RGB", "RGBA"):
            save(f"bmp-{mode}-{tag}.bmp", picture(mode, size), "BMP")
        for header in (12, 40, 52, 56, 64, 108, 124):
            entry = 3 if header == 12 else 4
            unknown = header in (52, 56)
            for bits in (1, 2, 4, 8, 16, 24, 32):
                # What Pillow refuses whatever its size is drawn once.
                if (unknown or bits == 2) and size != SIZES[2]:
                    continue
                row_bytes = (width * bits + 7) // 8
                data = base(row_bytes, height, 1, bits)
                rows = [data[i * row_bytes : (i + 1) * row_bytes] for i in range(height)]
                for top_down in (False, True) if header > 12 else (False,):
                    name = f"bmp-header{header}-{bits}bit-{'down' if top_down else 'up'}"
                    options = {"header": header, "top_down": top_down}
                    for palette, kind in palettes(bits, entry):
                        with_palette = {**options, "palette": palette, "colors": 0 if len(palette) == entry << bits else len(palette) // entry}
                        files[f"{name}-{kind}-{tag}.bmp"] = bmp(*size, bits, rows, **with_palette)
                        files[f"{name}-{kind}-start0-{tag}.bmp"] = bmp(*size, bits, rows, **with_palette, start=0)
                        files[f"{name}-{kind}-startheader-{tag}.bmp"] = bmp(*size, bits, rows, **with_palette, start=14 + header)
                        files[f"{name}-{kind}-trimmed-{tag}.bmp"] = bmp(*size, bits, rows, **with_palette)[: -(-row_bytes % 4) or None]
                    if bits >= 16 and header > 12:
                        for order, masks in orders.items():
                            packed = struct.pack("<4I", *masks)[: 16 if header >= 108 else 12]
                            files[f"{name}-fields-{order}-{tag}.bmp"] = bmp(*size, bits, rows, **options, compression=3, masks=packed)
                    if header > 12:
                        draw_runs(name, size, bits, header, top_down, tag)


def palettes(bits, entry):
    if bits > 8:
        return [(b"", "direct")]
    colors = 2**bits
    listed = []
    for count, kind in ((colors, "full"), (colors - 1, "less"), (min(colors, 2), "two")):
        rgb = base(count, 1, 3, 9)
        listed.append((b"".join(rgb[i * 3 : i * 3 + 3] + b"\0" * (entry - 3) for i in range(count)), kind))
        listed.append((b"".join(bytes([i] * 3) + b"\0" * (entry - 3) for i in range(count)), f"{kind}-grey"))
    listed.append((bytes(entry) + b"\xff\xff\xff" + b"\0" * (entry - 3), "blackwhite"))
    return listed


def draw_runs(name, size, bits, header, top_down, tag):
    """Run lengths of 8 and 4 bits, with and without the parts that readers get wrong."""
    width, height = size
    rgb = base(2**bits if bits <= 8 else 256, 1, 3, 9)
    palette = b"".join(rgb[i : i + 3] + b"\0" for i in range(0, len(rgb), 3))
    draw = random.Random(f"{name} {tag}")
    for compression in (1, 2):
        for kind in ("runs", "literal", "odd", "short", "skip", "over", "noend"):
            data = b""
            for y in range(height):
                x = 0
                while x < width:
                    count = min(width - x, draw.randint(1, 12))
                    if kind == "short" and y == height // 2:
                        break
                    if kind == "over" and y == 1:
                        count = width + 3
                    if kind == "skip" and x == 0 and y == 1:
                        data += b"\0\2\1\1"
                    even = count - count % 2
                    if kind in ("literal", "odd") and (count if kind == "odd" else even) >= 3:
                        count = count if kind == "odd" else even
                        length = count if compression == 1 else (count + 1) // 2
                        literal = bytes(draw.randrange(256) for _ in range(length))
                        data += bytes([0, count]) + literal + b"\0" * (length % 2)
                    else:
                        data += bytes([count, draw.randrange(256)])
                    x += count
                data += b"\0\0" if y < height - 1 or kind != "noend" else b""
            data += b"\0\1" if kind != "noend" else b""
            options = {"header": header, "top_down": top_down, "compression": compression}
            files[f"{name}-rle{compression}-{kind}-{tag}.bmp"] = bmp(*size, bits, data, palette=palette, **options)


def draw_pnm():
    for size in SIZES:
        tag = f"{size[0]}x{size[1]}"
        for mode in ("1", "L", "I", "RGB", "RGBA"):
            save(f"pnm-{mode}-{tag}.ppm", picture(mode, size), "PPM")
        for kind in (1, 2, 3, 4, 5, 6):
            bands = 3 if kind in (3, 6) else 1
            for most in (1,) if kind in (1, 4) else (1, 3, 100, 254, 255, 256, 300, 1000, 65534, 65535):
                values = [(v * 131 + i) % (most + 1) for i, v in enumerate(base(*size, bands))]
                for note in ("", "# a note\n"):
                    head = f"P{kind}\n{note}{size[0]} {size[1]}\n{note}" + ("" if kind in (1, 4) else f"{most}\n")
                    name = f"pnm-P{kind}-{most}{'-note' if note else ''}-{tag}.ppm"
                    files[name] = head.encode() + raster(kind, values, most, size[0])
                    files[name.replace(".ppm", "-cut.ppm")] = files[name][:-3]
            if kind == 3:
                text = files[f"pnm-P3-255-{tag}.ppm"]
                files[f"pnm-P3-notes-{tag}.ppm"] = text.replace(b"\n", b" #x\n")
                files[f"pnm-P3-joined-{tag}.ppm"] = text[:-1] + b"#x\n"
            if kind == 1:
                files[f"pnm-P1-dense-{tag}.ppm"] = files[f"pnm-P1-1-{tag}.ppm"].replace(b" ", b"").replace(b"P1\n", f"P1 {size[0]} {size[1]}\n".encode(), 1)
    for name, data in {"none": b"P6\n0 0\n255\n", "flat": b"P5 0 4 255 ", "other": b"P7\nWIDTH 1\n", "deep": b"P5 1 1 65536 ab"}.items():
        files[f"pnm-{name}.ppm"] = data


def raster(kind, values, most, width):
    if kind <= 3:
        return " ".join(map(str, values)).encode() + b"\n"
    if kind == 4:
        rows = [values[i : i + width] for i in range(0, len(values), width)]
        return b"".join(int("".join(map(str, row)).ljust(-(-width // 8) * 8, "0"), 2).to_bytes(-(-width // 8), "big") for row in rows)
    return bytes(values) if most < 256 else b"".join(struct.pack(">H", v) for v in values)


def described(rgb):
    return {"width": rgb.width, "height": rgb.height, "sha256": hashlib.sha256(rgb.tobytes()).hexdigest()}


def main(out):
    for draw in (draw_png, draw_jpeg, draw_turned, draw_gif, draw_webp, draw_tiff, draw_bmp, draw_pnm):
        draw()
    listed = {}
    for name, data in files.items():
        with open(os.path.join(out, name), "wb") as file:
            file.write(data)
        try:
            with Image.open(io.BytesIO(data)) as image:
                plain = described(image.convert("RGB"))
                # Pillow 9.4 turns a TIFF as it loads it, and then would do so again.
                turned = plain if image.format == "TIFF" else described(ImageOps.exif_transpose(image).convert("RGB"))
                listed[name] = {**plain, "turned": turned}
        except Exception as error:
            listed[name] = {"error": f"{type(error).__name__}: {error}"}
    with open(os.path.join(out, "pillow.json"), "w") as file:
        json.dump(listed, file)


main(sys.argv[1])
