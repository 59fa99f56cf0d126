"""Makes test/golden/faces/ and faces.json: JPEG face crops and what Pillow's draft mode makes of them.

    python3 test/golden/make_face_goldens.py

Needs Pillow (12.3 with libjpeg-turbo 3.1 made the committed files) and numpy. Preprocessing version 2 is Pillow's
`draft("L", (192, 192))`: luma only, at the smallest DCT scale that leaves the shorter side 192 pixels. The rest is version 1.
"""

import base64
import hashlib
import io
import json
import pathlib

import numpy as np
from PIL import Image, ImageOps

HERE = pathlib.Path(__file__).parent
OUT = HERE / "faces"
KEPT_SIDE = 192
rng = np.random.default_rng(20261)


def picture(width, height):
    """Gradients and blobs: smooth enough to compress, coloured enough that luma and grey of RGB differ."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float64)
    u, v = x / max(1, width - 1), y / max(1, height - 1)
    planes = [90 + 80 * u + 40 * v, 60 + 150 * v * (1 - u), 200 - 120 * u * v]
    for plane in planes:
        for _ in range(8):
            cx, cy, r, gain = rng.uniform(0, 1), rng.uniform(0, 1), rng.uniform(0.02, 0.2), rng.uniform(-160, 160)
            plane += gain * np.exp(-((u - cx) ** 2 + (v - cy) ** 2) / (r * r))
    return Image.fromarray(np.clip(np.rint(np.stack(planes, -1)), 0, 255).astype(np.uint8), "RGB")


def encode(image, **options):
    out = io.BytesIO()
    image.save(out, format="JPEG", **options)
    return out.getvalue()


def decoded(file):
    image = Image.open(io.BytesIO(file))
    image.draft("L", (KEPT_SIDE, KEPT_SIDE))
    image = ImageOps.exif_transpose(image)
    return image if image.mode == "L" else image.convert("RGB")


def face(image):
    grey = image.convert("L")
    side = min(grey.size)
    x, y = (grey.size[0] - side) >> 1, (grey.size[1] - side) >> 1
    return grey.crop((x, y, x + side, y + side)).resize((48, 48), Image.BILINEAR).tobytes()


exif = Image.Exif()
exif[0x0112] = 6
files = {
    "small-48x48.jpg": encode(picture(48, 48), quality=90),
    "below-383x400.jpg": encode(picture(383, 400), quality=60, subsampling=2),
    "half-384x401.jpg": encode(picture(384, 401), quality=60, subsampling=2),
    "half-progressive-500x421.jpg": encode(picture(500, 421), quality=60, subsampling=1, progressive=True),
    "half-grey-430x430.jpg": encode(picture(430, 430).convert("L"), quality=60),
    "half-orientation-6-450x390.jpg": encode(picture(450, 390), quality=60, subsampling=0, exif=exif),
    "half-cmyk-400x390.jpg": encode(picture(400, 390).convert("CMYK"), quality=50),
    "half-rgb-400x400.jpg": encode(picture(400, 400), quality=50, keep_rgb=True),
    "quarter-801x770.jpg": encode(picture(801, 770), quality=50, subsampling=2),
    "eighth-1537x1600.jpg": encode(picture(1537, 1600), quality=30, subsampling=2),
}
entries = []
OUT.mkdir(exist_ok=True)
for old in OUT.iterdir():
    old.unlink()
for name, file in sorted(files.items()):
    (OUT / name).write_bytes(file)
    image = decoded(file)
    entries.append(
        {
            "name": name,
            "width": image.size[0],
            "height": image.size[1],
            "channels": len(image.getbands()),
            "sha256": hashlib.sha256(image.tobytes()).hexdigest(),
            "faces": [{"box": None, "bytes": base64.b64encode(face(image)).decode()}],
        }
    )
(HERE / "faces.json").write_text(json.dumps({"images": entries}, separators=(",", ":")) + "\n")
print(len(files), "files", sum(map(len, files.values())), "bytes;", (HERE / "faces.json").stat().st_size, "bytes of JSON")
