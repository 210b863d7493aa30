"""Folders of PNG and JPEG files: pixels as Pillow has them, labels from folders and tables, the same bytes on any number of
ranks, and damaged files named or counted."""
import csv
import io
import os

import h5py
import numpy as np
import pytest
from PIL import Image
from support import BAD_DATA, CONFIGURATION, temporaries, tree_digest

PIPELINE = """\
name: pictures
inputs:
  images: {path: images}
  labels: {path: labels.csv}
steps:
  data:
    type: prepare
    inputs: {images: "${{inputs.images}}"}
"""
WITH_TABLE = PIPELINE.replace('"${{inputs.images}}"', '"${{inputs.images}}", labels: "${{inputs.labels}}"')
SIZE = "    image: {height: 12, width: 17, channels: 3}\n"


def picture(seed, height=20, width=30, mode="RGB"):
    """Smooth, so that JPEG keeps most of it."""
    y, x = np.mgrid[0:height, 0:width]
    planes = [(np.sin(x / (3 + seed % 5) + k) + np.cos(y / (4 + k) + seed)) * 60 + 128 for k in range(3)]
    return Image.fromarray(np.stack(planes, -1).astype(np.uint8)).convert(mode)


def test_every_label_is_divided_by_the_fractions(rankflow):
    folder(rankflow, 30)
    rankflow.write("p.yaml", PIPELINE + SIZE + "    split: {train: 0.8, test: 0.2}\n    split_by: {type: stratified, column: label}\n")
    digests = set()
    for ranks in (1, 2):
        rankflow("run", "-n", ranks, "p.yaml", "--force-all")
        digests.add(tuple(rankflow.artifact("data", split)[1] for split in ("train", "test")))
    assert len(digests) == 1
    counts = {}
    for split in ("train", "test"):
        parts = [h5py.File(part) for part in sorted(rankflow.artifact("data", split)[0].glob("*.h5"))]
        counts[split] = np.bincount(np.concatenate([part["target"][:] for part in parts])).tolist()
    assert counts == {"train": [16, 8], "test": [4, 2]}
    for wrong in ("{type: stratified, column: colour}", "{type: hash, column: label}"):
        rankflow.write("p.yaml", PIPELINE + SIZE + "    split: {train: 0.8, test: 0.2}\n    split_by: " + wrong + "\n")
        assert "stratified, column: label" in rankflow("run", "p.yaml", code=CONFIGURATION).err


def folder(rankflow, count=12):
    """Two classes, PNG and JPEG, grey, with a palette, transparency and 16 bits, of several sizes."""
    modes = ["RGB", "L", "P", "RGBA", "1", "LA"]
    files = []
    for i in range(count):
        name = f"images/{'cat' if i % 3 else 'dog/black'}/{i:03}.{'jpg' if i % 2 else 'PNG'}"
        path = rankflow.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        image = picture(i, 20 + i, 30 + 2 * i)
        image = image if i % 2 else image.convert(modes[i // 2 % len(modes)])
        image.save(path, **({"quality": 90} if i % 2 else {"interlace": i % 4}))
        files.append(name.removeprefix("images/"))
    return sorted(files)


def dataset(rankflow, output="data"):
    where, digest = rankflow.artifact("data", output)
    columns = {}
    for part in sorted(where.glob("part-*.h5")):
        with h5py.File(part) as f:
            for name in f:
                columns.setdefault(name, []).append(f[name][:])
    return {name: np.concatenate(parts) for name, parts in columns.items()}, where, digest


def test_pixels_are_those_of_pillow(rankflow):
    files = folder(rankflow, 24)
    rankflow.write("p.yaml", PIPELINE + SIZE)
    rankflow("run", "p.yaml")
    data, where, _ = dataset(rankflow)
    assert list(data["row"]) == list(range(24))
    assert list(csv.DictReader(io.StringIO((where / "files.csv").read_text()))) == \
        [{"row": str(i), "file": name} for i, name in enumerate(files)]
    for i, name in enumerate(files):
        expected = Image.open(rankflow.folder / "images" / name).convert("RGBA" if name.endswith("PNG") else "RGB")
        expected = expected.convert("RGB").resize((17, 12), Image.Resampling.BILINEAR)
        found = data["images"][i].transpose(1, 2, 0).astype(int)
        # Pillow brings a JPEG decoder of its own, which may round otherwise.
        assert np.abs(found - np.asarray(expected)).max() <= (0 if name.endswith("PNG") else 2), name
    assert [("cat", "dog")[t] for t in data["target"]] == [name.split("/")[0] for name in files]


def test_the_same_bytes_on_any_number_of_ranks(rankflow):
    folder(rankflow, 30)
    rankflow.write("p.yaml", PIPELINE + SIZE + "    rows_per_part: 4\n    split: {train: 0.7, test: 0.3}\n    seed: 3\n")
    digests = set()
    for ranks in (1, 2, 3):
        rankflow("run", "-n", ranks, "--force-all", "p.yaml")
        digests.add(tuple(tree_digest(dataset(rankflow, output)[1]) for output in ("train", "test")))
    assert len(digests) == 1
    rows = [dataset(rankflow, output)[0]["row"] for output in ("train", "test")]
    assert sorted(np.concatenate(rows)) == list(range(30))


def test_grey_images_of_one_size_need_no_keys(rankflow):
    images = rankflow.folder / "images"
    images.mkdir()
    for i in range(5):
        picture(i, 9, 7, "L").save(images / f"{i}.png")
    rankflow.write("images/notes.txt", "no image")
    rankflow.write("images/.hidden.png", "what an editor or a system left")
    rankflow.write("images/.thumbnails/0.png", "small")
    rankflow.write("p.yaml", PIPELINE)
    rankflow("run", "p.yaml")
    data, _, _ = dataset(rankflow)
    assert data["images"].shape == (5, 1, 9, 7) and "target" not in data
    assert np.array_equal(data["images"][3, 0], np.asarray(picture(3, 9, 7, "L")))
    assert rankflow.metrics("data")["other_files"] == 3


def test_labels_from_a_table(rankflow):
    files = folder(rankflow)
    labels = {name: "x" if i % 2 else "y" for i, name in enumerate(files)}
    table = [f"{name},{label}" for name, label in reversed(labels.items())]
    rankflow.write("labels.csv", "\n".join(["file,label", *table]) + "\n")
    rankflow.write("p.yaml", WITH_TABLE + SIZE)
    rankflow("run", "-n", 2, "p.yaml")
    data, _, _ = dataset(rankflow)
    assert [("x", "y")[t] for t in data["target"]] == list(labels.values())

    for wrong, said in [(table[1:], "no label for 1 of 12"), ([*table, table[0]], "a second time"),
                        ([*table, "none.png,x"], "none.png"), ([table[0].split(",")[0] + ",", *table[1:]], "row 1")]:
        rankflow.write("labels.csv", "\n".join(["file,label", *wrong]) + "\n")
        result = rankflow("run", "p.yaml", code=BAD_DATA)
        assert said in result.err and "labels.csv" in result.err, result.err
    rankflow.write("labels.csv", "name,label\n" + "\n".join(table) + "\n")
    assert '"file"' in rankflow("run", "p.yaml", code=BAD_DATA).err


def cut(path):
    path.write_bytes(path.read_bytes()[:-path.stat().st_size // 3])


def flip_a_byte(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(data)


def huge_png(path):
    data = bytearray(path.read_bytes())
    data[16:24] = b"\x7f\xff\xff\xff" * 2
    import zlib
    data[29:33] = zlib.crc32(bytes(data[12:29])).to_bytes(4, "big")
    path.write_bytes(data)


DAMAGE = {
    "a PNG file that is cut off": ("cat/002.PNG", cut, "cut off"),
    "a JPEG file that is cut off": ("cat/001.jpg", cut, "damaged JPEG"),
    "a PNG file with a wrong byte": ("cat/002.PNG", flip_a_byte, "damaged PNG"),
    "a PNG header that asks for 2^62 bytes": ("cat/002.PNG", huge_png, "2147483647"),
    "an empty file": ("cat/001.jpg", lambda p: p.write_bytes(b""), "empty"),
    "a text named as an image": ("cat/001.jpg", lambda p: p.write_text("hello"), "neither a PNG nor a JPEG"),
    "a CMYK image": ("cat/001.jpg", lambda p: picture(1).convert("CMYK").save(p), "CMYK"),
    "a FIFO": ("cat/fifo.png", os.mkfifo, "neither a regular file"),
    "a link that leads elsewhere": ("cat/link.png", lambda p: p.symlink_to("/etc/passwd"), "symbolic link"),
    "an image without a folder": ("lonely.png", lambda p: picture(1).save(p), "no folder named after its class"),
}


@pytest.mark.parametrize("name, damage, said", DAMAGE.values(), ids=DAMAGE.keys())
def test_damaged_images(rankflow, name, damage, said):
    folder(rankflow)
    damage(rankflow.folder / "images" / name)
    rankflow.write("p.yaml", PIPELINE + SIZE)
    result = rankflow("run", "p.yaml", code=BAD_DATA)
    assert name in result.err and said in result.err, result.err
    assert temporaries(rankflow.store) == [] and not list(rankflow.store.glob("artifacts/*/*"))


@pytest.mark.parametrize("ranks", [1, 2])
def test_damaged_images_within_the_threshold_are_left_out_and_listed(rankflow, ranks):
    files = folder(rankflow)
    for name in ("cat/001.jpg", "cat/002.PNG"):
        cut(rankflow.folder / "images" / name)
    keys = SIZE.replace("}", ", most_damaged: 2}")
    rankflow.write("p.yaml", PIPELINE + keys)
    rankflow("run", "-n", ranks, "p.yaml")
    data, where, _ = dataset(rankflow)
    assert [files[row] for row in data["row"]] == [f for f in files if f not in ("cat/001.jpg", "cat/002.PNG")]
    listed = list(csv.DictReader(io.StringIO((where / "damaged.csv").read_text())))
    assert [row["file"] for row in listed] == ["cat/001.jpg", "cat/002.PNG"] and "cut off" in listed[1]["reason"]
    assert rankflow.metrics("data")["rows_dropped"] == {"damaged": 2}

    rankflow.write("p.yaml", PIPELINE + keys.replace("2}", "1}"))
    err = rankflow("run", "-n", ranks, "p.yaml", code=BAD_DATA).err
    assert "2 images are damaged" in err and "cat/001.jpg" in err


def test_sizes_and_channels_that_differ_are_named(rankflow):
    folder(rankflow)
    rankflow.write("p.yaml", PIPELINE)
    err = rankflow("run", "p.yaml", code=BAD_DATA).err
    assert "cat/002.PNG" in err and "the first image has" in err, err
    rankflow.write("p.yaml", PIPELINE + "    image: {height: 4}\n")
    assert "height and width" in rankflow("run", "p.yaml", code=CONFIGURATION).err
    (rankflow.folder / "empty").mkdir()
    rankflow.write("p.yaml", PIPELINE)
    assert "holds no image" in rankflow("run", "--input", "images=empty", "p.yaml", code=BAD_DATA).err


TRAIN = """\
  model:
    type: train
    inputs: {train: "${{steps.data.outputs.data}}"}
    model: {type: mlp, hidden: [8]}
    epochs: 2
    batch_size: 8
    deterministic: true
"""


def test_training_with_augmentation_is_the_same_on_any_number_of_ranks(rankflow):
    folder(rankflow, 30)
    weights = set()
    for ranks in (1, 2):
        rankflow.write("p.yaml", PIPELINE + SIZE + TRAIN + "    augment: {crop_padding: 2, horizontal_flip: true}\n")
        rankflow("run", "-n", ranks, "--force-all", "p.yaml")
        weights.add((rankflow.artifact("model", "model")[0] / "model.safetensors").read_bytes())
    assert len(weights) == 1
    rankflow.write("p.yaml", PIPELINE + SIZE + TRAIN)
    rankflow("run", "p.yaml")
    weights.add((rankflow.artifact("model", "model")[0] / "model.safetensors").read_bytes())
    assert len(weights) == 2, "augmentation changes what is learnt"
