"""Small stand-ins for files that people have and this repository has not.

python stand_ins.py taxonomy FILE
python stand_ins.py megaclassifier FOLDER
"""

from __future__ import annotations

import csv
import json
import struct
import sys
import zipfile
from pathlib import Path

HIGHER = {
    "cervidae": ("family", "artiodactyla"),
    "suidae": ("family", "artiodactyla"),
    "equidae": ("family", "perissodactyla"),
    "felidae": ("family", "carnivora"),
    "canidae": ("family", "carnivora"),
    "leporidae": ("family", "lagomorpha"),
    "hystricidae": ("family", "rodentia"),
    "numididae": ("family", "galliformes"),
    "artiodactyla": ("order", "mammalia"),
    "perissodactyla": ("order", "mammalia"),
    "carnivora": ("order", "mammalia"),
    "lagomorpha": ("order", "mammalia"),
    "rodentia": ("order", "mammalia"),
    "galliformes": ("order", "aves"),
    "mammalia": ("class", "animalia"),
    "aves": ("class", "animalia"),
    "animalia": ("kingdom", ""),
}
SPECIES = {
    "deer": ("capreolus capreolus", "cervidae"),
    "boar": ("sus scrofa", "suidae"),
    "zebra": ("equus quagga", "equidae"),
    "leopard": ("panthera pardus", "felidae"),
    "fox": ("vulpes vulpes", "canidae"),
    "hare": ("lepus europaeus", "leporidae"),
    "porcupine": ("hystrix cristata", "hystricidae"),
    "guineafowl": ("numida meleagris", "numididae"),
}
DATASETS = ("name_of_dataset", "idfg")


def taxonomy(file: Path) -> None:
    """The master form's columns for the demo world's species, in two datasets."""
    ids = {name: 1 + i for i, name in enumerate([*HIGHER, *(x for x, _ in SPECIES.values())])}
    with file.open("w", encoding="utf-8", newline="") as stream:
        write = csv.writer(stream).writerow
        write(
            [
                "dataset_name",
                "query",
                "source",
                "taxonomy_level",
                "scientific_name",
                "taxonomy_string",
            ]
        )
        for dataset in DATASETS:
            for label, (species, parent) in SPECIES.items():
                line = [(ids[species], "species", species, [label])]
                while parent:
                    level, above = HIGHER[parent]
                    line.append((ids[parent], level, parent, []))
                    parent = above
                write([dataset, label, "gbif", "species", species, str(line)])
            write([dataset, "empty", "manual", "", "", ""])


def _text(word: str) -> bytes:
    return b"X" + struct.pack("<I", len(word)) + word.encode()


def _numbers(values) -> bytes:
    return b"(" + b"".join(b"J" + struct.pack("<i", value) for value in values) + b"t"


def megaclassifier(folder: Path) -> None:
    """A training checkpoint of EfficientNet-B0 as PyTorch writes it, its labels and their taxa."""
    import numpy as np

    from tf_classification.models import efficientnet_pytorch, networks

    labels = list(SPECIES)
    network = networks.build("efficientnet-b0", len(labels), conv_padding="symmetric")
    arrays = {}
    for layer, names in efficientnet_pytorch._pairs(network):
        for name, value in zip(names, layer.get_weights(), strict=True):
            axes = (2, 3, 0, 1) if layer.name.endswith("_dwconv") else (3, 2, 0, 1)
            order = axes if value.ndim == 4 else tuple(range(value.ndim))[::-1]
            arrays[name] = np.ascontiguousarray(np.transpose(value, order), np.float32)
    folder.mkdir(parents=True, exist_ok=True)
    opcodes = b"\x80\x02}("
    with zipfile.ZipFile(folder / "v0.1_efficientnet-b3_compiled.pt", "w") as archive:
        for key, (name, value) in enumerate(arrays.items()):
            strides = [s // 4 for s in value.strides]
            storage = b"(" + _text("storage") + b"ctorch\nFloatStorage\n" + _text(str(key))
            storage += _text("cpu") + b"J" + struct.pack("<i", value.size) + b"tQ"
            opcodes += _text(name) + b"ctorch._utils\n_rebuild_tensor_v2\n(" + storage
            opcodes += b"J\0\0\0\0" + _numbers(value.shape) + _numbers(strides)
            opcodes += b"\x89ccollections\nOrderedDict\n)RtR"
            archive.writestr(f"compiled/data/{key}", value.tobytes())
        archive.writestr("compiled/data.pkl", opcodes + b"u.")
        archive.writestr("compiled/byteorder", b"little")
    index = {str(i): label for i, label in enumerate(labels)}
    (folder / "v0.1_index_to_name.json").write_text(json.dumps(index))
    spec = {
        label: {"taxa": [{"level": "species", "name": species}]}
        for label, (species, _) in SPECIES.items()
    }
    (folder / "v0.1_label_spec.json").write_text(json.dumps(spec))


if __name__ == "__main__":
    {"taxonomy": taxonomy, "megaclassifier": megaclassifier}[sys.argv[1]](Path(sys.argv[2]))
