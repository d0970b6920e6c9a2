"""Writers of picture files of kinds that Pillow reads but does not write: BMP, PNM, PNG and TIFF, each a few lines."""
import struct
import zlib


def bmp(width, height, bits, rows, *, header=40, compression=0, palette=b"", colors=0, masks=b"", top_down=False, start=None):
    """A bitmap of these rows' bytes (from the file's first row), or of `rows` as they are if those are bytes."""
    if isinstance(rows, bytes):
        data = rows
    else:
        data = b"".join(row + b"\0" * (-len(row) % 4) for row in rows)
    if header == 12:
        info = struct.pack("<IHHHH", 12, width, height, 1, bits)
    else:
        stored = 2**32 - height if top_down else height
        info = struct.pack("<IIIHHIIIIII", header, width, stored, 1, bits, compression, len(data), 2835, 2835, colors, 0)
        if header >= 108:
            info += masks.ljust(16, b"\0")
            masks = b""
        info = info.ljust(header, b"\0")
    body = info + masks + palette
    offset = 14 + len(body) if start is None else start
    return b"BM" + struct.pack("<IHHI", 14 + len(body) + len(data), 0, 0, offset) + body + data


def png(width, height, depth, color, sample, *, interlaced=False, chunks=()):
    """`sample(x, y)` gives the pixel's values. `chunks` are (kind, data), before the pixels."""

    def scan(xs, ys):
        out = b""
        for y in ys:
            values = [v for x in xs for v in sample(x, y)]
            if not values:
                continue
            if depth == 16:
                row = b"".join(struct.pack(">H", v) for v in values)
            elif depth == 8:
                row = bytes(values)
            else:
                joined = "".join(format(v, f"0{depth}b") for v in values)
                joined += "0" * (-len(joined) % 8)
                row = int(joined, 2).to_bytes(len(joined) // 8, "big")
            out += b"\0" + row
        return out

    if interlaced:
        passes = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
        data = b"".join(scan(range(x, width, dx), range(y, height, dy)) for x, y, dx, dy in passes)
    else:
        data = scan(range(width), range(height))
    header = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, int(interlaced))
    parts = [(b"IHDR", header), *chunks, (b"IDAT", zlib.compress(data)), (b"IEND", b"")]
    joined = b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in parts
    )
    return b"\x89PNG\r\n\x1a\n" + joined


def tiff(width, height, data, tags, *, order="<", big=False):
    """`tags` are {number: (type, values)}; size, strip and rows are added. `data` is one strip, or one for each plane."""
    planes = data if isinstance(data, list) else [data]
    start = 16 if big else 8
    offsets = []
    body = b""
    for plane in planes:
        offsets.append(start + len(body))
        body += plane + b"\0" * (len(plane) % 2)
    all_tags = {256: (3, [width]), 257: (3, [height]), 273: (4, offsets), 278: (3, [height])}
    all_tags.update({279: (4, [len(plane) for plane in planes]), **tags})
    codes = {1: "B", 3: "H", 4: "I", 16: "Q"}
    word = "Q" if big else "I"
    room = 8 if big else 4
    place = start + len(body)
    entry = 20 if big else 12
    after = place + (8 if big else 2) + entry * len(all_tags) + room
    directory = struct.pack(order + ("Q" if big else "H"), len(all_tags))
    rest = b""
    for number, (kind, values) in sorted(all_tags.items()):
        packed = struct.pack(order + codes[kind] * len(values), *values)
        if len(packed) > room:
            field = struct.pack(order + word, after + len(rest))
            rest += packed + b"\0" * (len(packed) % 2)
        else:
            field = packed.ljust(room, b"\0")
        directory += struct.pack(order + "HH" + word, number, kind, len(values)) + field
    directory += struct.pack(order + word, 0)
    mark = b"II" if order == "<" else b"MM"
    head = struct.pack(order + "HHHQ", 43, 8, 0, place) if big else struct.pack(order + "HI", 42, place)
    return mark + head + body + directory + rest
