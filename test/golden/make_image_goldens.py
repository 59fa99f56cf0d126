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


def encode(image, **options):
    out = io.BytesIO()
    image.save(out, **options)
    return out.getvalue()


def decoded(file):
    """Pillow's upright pixels: grey stays grey, the rest becomes RGB."""
    image = Image.open(io.BytesIO(file))
    if image.format == "JPEG":
        image = ImageOps.exif_transpose(image)
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
