"""Makes test/golden/images/ and images.json: encoded pictures and what Pillow makes of them.

    python3 test/golden/make_image_goldens.py

Needs Pillow (9.4 made the committed files) and numpy. Every picture is synthetic and seeded. For each file: SHA-256 of the
decoded pixels (grey or RGB, upright), and the 48x48 grey bytes of preprocessing steps 2 and 3, for the whole picture
and for boxes. The square of a box and the repeated border are this project's own rules, written here a second time;
colour, grey and resizing are Pillow's.
"""

import base64
import hashlib
import io
import json
import pathlib
import struct
import zlib

import numpy as np
from PIL import Image, ImageOps

HERE = pathlib.Path(__file__).parent
OUT = HERE / "images"
rng = np.random.default_rng(20260)


def picture(width, height):
    """Gradients, blobs and a little noise: smooth enough to compress, rich enough to tell filters apart."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float64)
    u, v = x / max(1, width - 1), y / max(1, height - 1)
    planes = [90 + 80 * u + 40 * v, 60 + 150 * v * (1 - u), 200 - 120 * u * v]
    for plane in planes:
        for _ in range(4):
            cx, cy, r, gain = rng.uniform(0, 1), rng.uniform(0, 1), rng.uniform(0.05, 0.3), rng.uniform(-110, 110)
            plane += gain * np.exp(-((u - cx) ** 2 + (v - cy) ** 2) / (r * r))
    rgb = np.stack(planes, -1) + rng.normal(0, 2, (height, width, 1))
    return Image.fromarray(np.clip(np.rint(rgb), 0, 255).astype(np.uint8), "RGB")


def noise(width, height):
    return Image.fromarray(rng.integers(0, 256, (height, width, 3), dtype=np.uint8), "RGB")


def png16(width, height, colour_type):
    """16-bit PNG by hand. The expected picture is this project's rule, the high byte; Pillow clips grey instead."""
    samples = {0: 1, 2: 3, 4: 2, 6: 4}[colour_type]
    data = rng.integers(0, 65536, (height, width, samples), dtype=np.uint16)
    raw = b"".join(b"\0" + row.astype(">u2").tobytes() for row in data)

    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 16, colour_type, 0, 0, 0)
    file = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(raw, 9)) + chunk(b"IEND", b"")
    high = (data >> 8).astype(np.uint8)
    grey = colour_type in (0, 4)
    return file, Image.fromarray(high[:, :, 0], "L") if grey else Image.fromarray(high[:, :, :3], "RGB")


def adam7(image):
    """Interlaced PNG by hand: Pillow reads it but does not write it."""
    pixels = np.asarray(image)
    height, width = pixels.shape[:2]
    raw = b""
    for x, y, sx, sy in [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]:
        part = pixels[y::sy, x::sx]
        if part.size:
            raw += b"".join(b"\0" + np.ascontiguousarray(row).tobytes() for row in part)
    colour_type = 0 if pixels.ndim == 2 else {3: 2, 4: 6}[pixels.shape[2]]

    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, colour_type, 0, 0, 1)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(raw, 9)) + chunk(b"IEND", b"")


ZIGZAG = sorted(range(64), key=lambda i: (i // 8 + i % 8, i // 8 if (i // 8 + i % 8) % 2 else i % 8))


def jpeg_by_hand(planes, factors, adobe=None, step=12):
    """Baseline JPEG of any sampling by hand, as Pillow writes three of them: planes at full size, (h, v) for each.
    One quantiser for all; Huffman codes of one length each, 4 bits for DC and 9 for AC."""
    height, width = planes[0].shape
    h_max, v_max = (max(f[i] for f in factors) for i in (0, 1))
    across, down = -(-width // (8 * h_max)), -(-height // (8 * v_max))
    k, x = np.mgrid[0:8, 0:8]
    basis = np.cos((2 * x + 1) * k * np.pi / 16) * np.where(k == 0, np.sqrt(1 / 8), 1 / 2)
    blocks = []
    for plane, (h, v) in zip(planes, factors):
        size = -(-width * h // h_max), -(-height * v // v_max)
        small = np.asarray(Image.fromarray(plane, "L").resize(size, Image.BOX)).astype(np.float64) - 128
        full = np.pad(small, ((0, down * v * 8 - size[1]), (0, across * h * 8 - size[0])), mode="edge")
        tiles = full.reshape(down * v, 8, across * h, 8).transpose(0, 2, 1, 3)
        blocks.append(np.rint(basis @ tiles @ basis.T / step).astype(int).reshape(down * v, across * h, 64)[:, :, ZIGZAG])
    bits, last = [], [0] * len(planes)

    def put(value, length):
        bits.append(format(value, f"0{length}b") if length else "")

    def put_value(value):
        size = abs(value).bit_length()
        put(value if value >= 0 else value + (1 << size) - 1, size)

    for my in range(down):
        for mx in range(across):
            for i, (h, v) in enumerate(factors):
                for y in range(v):
                    for x in range(h):
                        block = [int(c) for c in blocks[i][my * v + y, mx * h + x]]
                        put(abs(block[0] - last[i]).bit_length(), 4)
                        put_value(block[0] - last[i])
                        last[i], zeros = block[0], 0
                        for c in block[1:]:
                            if c == 0:
                                zeros += 1
                                continue
                            while zeros > 15:
                                put(0xF0, 9)
                                zeros -= 16
                            put(zeros * 16 + abs(c).bit_length(), 9)
                            put_value(c)
                            zeros = 0
                        if zeros:
                            put(0, 9)
    stream = "".join(bits)
    stream += "1" * (-len(stream) % 8)
    scan = int(stream, 2).to_bytes(len(stream) // 8, "big").replace(b"\xff", b"\xff\0")

    def segment(marker, body):
        return bytes([255, marker]) + struct.pack(">H", len(body) + 2) + bytes(body)

    def table(kind, length, symbols):
        return segment(0xC4, [kind, *(len(symbols) if i == length else 0 for i in range(1, 17)), *symbols])

    frame = struct.pack(">BHHB", 8, height, width, len(planes))
    frame += b"".join(bytes([i + 1, h * 16 + v, 0]) for i, (h, v) in enumerate(factors))
    return (
        b"\xff\xd8"
        + (b"" if adobe is None else segment(0xEE, b"Adobe\0\x64\0\0\0\0" + bytes([adobe])))
        + segment(0xDB, [0, *[step] * 64])
        + segment(0xC0, frame)
        + table(0, 4, range(12))
        + table(0x10, 9, range(255))
        + segment(0xDA, [len(planes), *(b for i in range(len(planes)) for b in (i + 1, 0)), 0, 63, 0])
        + scan
        + b"\xff\xd9"
    )


def png_chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def short_palette(width, height, bits, colours):
    """A palette PNG with indices past its palette's end."""
    indices = np.arange(width * height).reshape(height, width) % 2**bits
    rows = b"".join(b"\0" + np.packbits((row[:, None] >> np.arange(bits)[::-1]) & 1).tobytes() for row in indices)
    palette = bytes((i * 37 + 11) % 256 for i in range(3 * colours))
    header = struct.pack(">IIBBBBB", width, height, bits, 3, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"PLTE", palette), (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(png_chunk(*chunk) for chunk in chunks)


def encode(image, **options):
    out = io.BytesIO()
    image.save(out, **options)
    return out.getvalue()


def decoded(file):
    """Pillow's upright pixels: grey stays grey, the rest becomes RGB."""
    image = ImageOps.exif_transpose(Image.open(io.BytesIO(file)))
    if image.mode in ("L", "LA", "1"):
        return image.convert("L")
    return image.convert("RGB")


def face(image, box):
    grey = np.asarray(image.convert("L"))
    height, width = grey.shape
    if box is None:
        side = min(width, height)
        x, y = (width - side) >> 1, (height - side) >> 1
    else:
        bx, by, bw, bh = box
        side = max(1, int(np.floor(max(bw, bh) + 0.5)))
        x, y = (int(np.floor(v + 0.5)) for v in (bx + bw / 2 - side / 2, by + bh / 2 - side / 2))
    columns = np.clip(np.arange(x, x + side), 0, width - 1)
    rows = np.clip(np.arange(y, y + side), 0, height - 1)
    square = Image.fromarray(np.ascontiguousarray(grey[np.ix_(rows, columns)]), "L")
    return square.resize((48, 48), Image.BILINEAR).tobytes()


files = {}
expected = {}


def add(name, file, image=None):
    files[name] = file
    expected[name] = decoded(file) if image is None else image


for width, height in [(1, 1), (47, 49), (48, 48), (128, 128)]:
    image = picture(width, height)
    add(f"rgb-{width}x{height}.png", encode(image, format="PNG", optimize=True))
    add(f"grey-{width}x{height}.png", encode(image.convert("L"), format="PNG", optimize=True))
    add(f"q90-{width}x{height}.jpg", encode(image, format="JPEG", quality=90))
large = picture(351, 203)
small = picture(61, 83)
add("grey-351x203.png", encode(large.convert("L").point(lambda v: v & 0xF8), format="PNG", optimize=True))
add("palette.png", encode(large.quantize(32), format="PNG", optimize=True))
add("palette-2bit.png", encode(small.quantize(4), format="PNG", bits=2))
add("bilevel.png", encode(small.convert("1"), format="PNG"))
add("noise.png", encode(noise(50, 31), format="PNG"))
add("grey-alpha.png", encode(Image.merge("LA", [small.convert("L"), noise(61, 83).convert("L")]), format="PNG"))
rgba = small.copy()
rgba.putalpha(noise(61, 83).convert("L"))
add("rgba.png", encode(rgba, format="PNG"))
add("palette-transparent.png", encode(small.quantize(16), format="PNG", transparency=3))
add("grey-transparent.png", encode(small.convert("L"), format="PNG", transparency=100))
add("interlaced-rgb.png", adam7(small))
add("interlaced-rgba.png", adam7(rgba.crop((0, 0, 29, 31))))
add("interlaced-grey-3x5.png", adam7(picture(3, 5).convert("L")))
for colour_type, name in [(0, "grey"), (2, "rgb"), (4, "grey-alpha"), (6, "rgba")]:
    add(f"{name}-16bit.png", *png16(23, 17, colour_type))
add("animated.png", encode(picture(40, 30), format="PNG", save_all=True, append_images=[picture(40, 30)]))

for subsampling, name in [(0, "444"), (1, "422"), (2, "420")]:
    add(f"{name}-351x203.jpg", encode(large, format="JPEG", quality=75, subsampling=subsampling))
    add(f"{name}-progressive-61x83.jpg", encode(small, format="JPEG", quality=85, subsampling=subsampling, progressive=True))
add("grey.jpg", encode(small.convert("L"), format="JPEG", quality=80))
add("grey-progressive.jpg", encode(small.convert("L"), format="JPEG", quality=80, progressive=True))
add("q30-noise.jpg", encode(noise(50, 31), format="JPEG", quality=30))
add("cmyk.jpg", encode(small.convert("CMYK"), format="JPEG", quality=85))
for orientation in range(1, 9):
    exif = Image.Exif()
    exif[0x0112] = orientation
    add(f"orientation-{orientation}.jpg", encode(small, format="JPEG", quality=60, exif=exif))

add("lossy.webp", encode(small, format="WEBP", quality=80))
add("lossy-351x203.webp", encode(large, format="WEBP", quality=60))
add("lossy-alpha.webp", encode(rgba, format="WEBP", quality=80, exact=True))
add("lossless.webp", encode(small, format="WEBP", lossless=True))
add("lossless-alpha.webp", encode(rgba, format="WEBP", lossless=True, exact=True))
add("animated.webp", encode(small, format="WEBP", save_all=True, append_images=[noise(61, 83)], quality=70))

planes = [np.asarray(plane) for plane in small.convert("YCbCr").split()]
inks = [255 - np.asarray(plane) for plane in small.convert("CMYK").split()]
for name, factors in [("410", [(4, 2), (1, 1), (1, 1)]), ("3x1", [(3, 1), (1, 1), (1, 1)])]:
    add(f"{name}.jpg", jpeg_by_hand(planes, factors))
add("chroma-differs.jpg", jpeg_by_hand(planes, [(2, 1), (1, 2), (1, 1)]))
add("chroma-above-luma.jpg", jpeg_by_hand(planes, [(1, 1), (2, 2), (2, 2)]))
add("cmyk-420.jpg", jpeg_by_hand(inks, [(2, 2), (1, 1), (1, 1), (1, 1)], adobe=0))
add("cmyk-unmarked.jpg", jpeg_by_hand(inks, [(1, 1)] * 4))
plain = encode(small, format="JPEG", quality=60)
resources = b"Photoshop 3.0\0" + b"8BIM\x04\x04\0\0\0\0\0\x04\x1c\x02\0\0"
photoshop = b"\xff\xed" + struct.pack(">H", len(resources) + 2) + resources
tables = plain.index(b"\xff\xdb")
add("photoshop.jpg", plain[:tables] + photoshop + b"\0\0" + plain[tables:])
add("stray-bytes.jpg", plain[:tables] + b"\r\n\x12\xff\0\x34" + plain[tables:])
for bits, colours in [(2, 3), (4, 5), (8, 17)]:
    add(f"palette-short-{bits}bit.png", short_palette(64, 9, bits, colours))
crop = rgba.crop((0, 0, 29, 31))
for orientation in range(2, 9):
    exif = Image.Exif()
    exif[0x0112] = orientation
    block = exif.tobytes()[6:]
    add(f"orientation-{orientation}.png", encode(crop.convert("RGB"), format="PNG", exif=exif))
    add(f"orientation-{orientation}.webp", encode(crop, format="WEBP", exif=exif, quality=70))
interlaced = adam7(crop)
add("orientation-8-interlaced.png", interlaced[:33] + png_chunk(b"eXIf", block) + interlaced[33:])
bilevel = encode(small.convert("1"), format="PNG")
add("orientation-8-behind.png", bilevel[:-12] + png_chunk(b"eXIf", block) + bilevel[-12:])
add("orientation-8-animated.webp", encode(crop, format="WEBP", save_all=True, append_images=[noise(29, 31)], exif=block, quality=70))

BOXES = [
    (10.3, 8.7, 21.2, 33.9),
    (-9, -14, 40, 40),
    (30.5, 40.5, 60, 20),
    (200, 300, 12, 12),
    (20, 20, 0.2, 0.2),
    (7, 9, 48, 48),
]
BOXED = ("rgb-47x49.png", "grey-128x128.png", "420-351x203.jpg")
entries = []
OUT.mkdir(exist_ok=True)
for old in OUT.iterdir():
    old.unlink()
for name, file in sorted(files.items()):
    (OUT / name).write_bytes(file)
    image = expected[name]
    boxes = [None, *BOXES] if name in BOXED else [None]
    entries.append(
        {
            "name": name,
            "width": image.size[0],
            "height": image.size[1],
            "channels": len(image.getbands()),
            "sha256": hashlib.sha256(image.tobytes()).hexdigest(),
            "faces": [{"box": box, "bytes": base64.b64encode(face(image, box)).decode()} for box in boxes],
        }
    )
(HERE / "images.json").write_text(json.dumps({"images": entries}, separators=(",", ":")) + "\n")
print(len(files), "files", sum(map(len, files.values())), "bytes;", (HERE / "images.json").stat().st_size, "bytes of JSON")
