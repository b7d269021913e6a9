"""PyTorch's files are read without PyTorch and nothing in them is run."""

from __future__ import annotations

import pickle
import struct
import zipfile

import numpy as np
import pytest

from database_tools.core.errors import FormatError
from tf_classification.models import torch_files


def text(word):
    return b"X" + struct.pack("<I", len(word)) + word.encode()


def whole(number):
    return b"J" + struct.pack("<i", number)


def numbers(values):
    return b"(" + b"".join(whole(value) for value in values) + b"t"


def tensor(key, shape, strides, *, kind="FloatStorage", size=None, offset=0):
    """The opcodes that torch writes for one tensor."""
    size = int(np.prod(shape)) if size is None else size
    storage = b"(" + text("storage") + f"ctorch\n{kind}\n".encode() + text(key) + text("cpu")
    storage += whole(size) + b"tQ"
    arguments = b"(" + storage + whole(offset) + numbers(shape) + numbers(strides)
    hooks = b"ccollections\nOrderedDict\n)R"
    return b"ctorch._utils\n_rebuild_tensor_v2\n" + arguments + b"\x89" + hooks + b"tR"


def dictionary(items):
    return b"}(" + b"".join(text(key) + value for key, value in items.items()) + b"u"


def module(kind, items):
    """The opcodes of a module, as torch.jit.save writes them."""
    return b"c__torch__.net\n" + kind.encode() + b"\n)\x81" + dictionary(items) + b"b"


def archive(path, body, storages, compression=zipfile.ZIP_STORED, byteorder=b"little"):
    with zipfile.ZipFile(path, "w", compression) as file:
        file.writestr("ckpt/data.pkl", b"\x80\x02" + body + b".")
        file.writestr("ckpt/byteorder", byteorder)
        for key, values in storages.items():
            file.writestr(f"ckpt/data/{key}", values.tobytes())
    return path


SIX = np.arange(6, dtype="<f4")


def test_a_training_checkpoint_gives_its_weights_without_the_prefix(tmp_path):
    weights = dictionary({"module.a": tensor("0", (2, 3), (3, 1)), "module.b": tensor("1", (), ())})
    body = dictionary(
        {"epoch": whole(7), "model": weights, "val/acc": b"G" + struct.pack(">d", 81)}
    )
    path = archive(tmp_path / "a.pt", body, {"0": SIX, "1": np.array([9], "<f4")})
    found = torch_files.read(path)
    assert sorted(found) == ["a", "b"]
    assert found["a"].tolist() == [[0, 1, 2], [3, 4, 5]]
    assert found["b"] == 9


def test_strides_and_offsets_are_followed(tmp_path):
    turned = tensor("0", (2, 2), (1, 2), size=6, offset=1)  # a transposed part of the storage
    path = archive(tmp_path / "a.pt", dictionary({"a": turned}), {"0": SIX})
    assert torch_files.read(path)["a"].tolist() == [[1, 3], [2, 4]]


def test_a_state_dict_may_carry_the_versions_of_its_layers(tmp_path):
    # OrderedDict(), filled, and then told its attribute _metadata
    ordered = b"ccollections\nOrderedDict\n)R(" + text("a") + tensor("0", (6,), (1,)) + b"u"
    body = ordered + dictionary({"_metadata": dictionary({"": whole(1)})}) + b"b"
    assert list(torch_files.read(archive(tmp_path / "a.pt", body, {"0": SIX}))) == ["a"]


OLD_MAGIC = b"\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19"


def stream(
    path, body, storages, *, keys=None, protocol=1001, little=b"\x88", counts=None, after=b""
):
    """A file as torch.save wrote it before PyTorch 1.6."""
    names = b"](" + b"".join(text(key) for key in keys or storages) + b"e"
    head = [OLD_MAGIC, whole(protocol), dictionary({"little_endian": little}), body, names]
    content = b"".join(b"\x80\x02" + part + b"." for part in head)
    for key, values in storages.items():
        count = (counts or {}).get(key, values.size)
        content += struct.pack("<q", count) + values.tobytes()
    path.write_bytes(content + after)
    return path


def old(opcodes):
    """The same tensor in the old format, where a storage has one word more, None."""
    return opcodes.replace(b"tQ", b"NtQ")


def test_a_file_of_before_pytorch_1_6_gives_its_weights(tmp_path):
    turned = old(tensor("7", (2, 2), (1, 2), size=6, offset=1))
    count = old(tensor("3", (), (), kind="LongStorage", size=1))
    body = dictionary({"module.a": turned, "b": count})
    path = stream(tmp_path / "a.pth", body, {"3": np.array([9], "<i8"), "7": SIX})
    found = torch_files.read(path)
    assert {name: value.tolist() for name, value in found.items()} == {
        "a": [[1, 3], [2, 4]],
        "b": 9,
    }


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"body": b"cposix\nsystem\n"}, "it would run posix.system; refused, nothing was run"),
        ({"protocol": 1002}, "the head: protocol 1002, expected 1001"),
        ({"little": b"\x89"}, "byteorder: expected little"),
        ({"keys": ["9"]}, "storage '9': has 6 numbers, expected none"),
        ({"counts": {"0": 5}}, "storage '0': has 5 numbers, expected 6"),
        ({"storages": {"0": SIX[:5]}, "counts": {"0": 6}}, "end at byte .*, the file at"),
        ({"after": b"more"}, "end at byte .*, the file at"),
        ({"body": dictionary({"a": old(tensor("5", (6,), (1,)))})}, "expected none"),
        ({"body": b"R"}, "what was saved"),
    ],
)
def test_a_broken_file_of_before_pytorch_1_6_is_refused_with_the_reason(tmp_path, changes, reason):
    whole_file = {"body": dictionary({"a": old(tensor("0", (6,), (1,)))}), "storages": {"0": SIX}}
    torch_files.read(stream(tmp_path / "whole.pth", **whole_file))
    with pytest.raises(FormatError, match=reason):
        torch_files.read(stream(tmp_path / "a.pth", **(whole_file | changes)))


def test_a_file_of_before_pytorch_1_6_that_ends_anywhere_is_refused(tmp_path):
    body = dictionary({"a": old(tensor("0", (6,), (1,)))})
    content = stream(tmp_path / "a.pth", body, {"0": SIX}).read_bytes()
    for length in range(len(content)):
        (tmp_path / "cut.pth").write_bytes(content[:length])
        with pytest.raises(FormatError):
            torch_files.read(tmp_path / "cut.pth")


def test_a_torchscript_file_gives_its_state_dict(tmp_path):
    block = module("Block", {"weight": tensor("0", (6,), (1,)), "training": b"\x89"})
    body = module("Net", {"_blocks": module("List", {"0": block}), "nothing": b"N"})
    found = torch_files.read(archive(tmp_path / "a.pt", body, {"0": SIX}))
    assert list(found) == ["_blocks.0.weight"]
    assert found["_blocks.0.weight"].tolist() == SIX.tolist()


class Bomb:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (self.path, "w"))


def test_code_in_a_pickle_is_refused_and_not_run(tmp_path):
    body = pickle.dumps({"model": Bomb(str(tmp_path / "harm"))}, protocol=2)[2:-1]
    path = archive(tmp_path / "a.pt", body, {})
    with pytest.raises(FormatError, match=r"it would run io\.open; refused, nothing was run"):
        torch_files.read(path)
    assert not (tmp_path / "harm").exists()


@pytest.mark.parametrize(
    "name",
    [
        "builtins\neval",
        "os\nsystem",
        "torch\nload",
        "torch._utils\n_rebuild_tensor_v2.__globals__",  # a dotted way around the list
        "collections\nOrderedDict.fromkeys",
        "__torch\nNet",
    ],
)
def test_every_other_name_is_refused(tmp_path, name):
    path = archive(tmp_path / "a.pt", f"c{name}\n".encode(), {})
    with pytest.raises(FormatError, match="it would run"):
        torch_files.read(path)


@pytest.mark.parametrize(
    ("opcodes", "storages", "reason"),
    [
        (tensor("0", (7,), (1,), size=6), {"0": SIX}, "past the end of its storage"),
        (tensor("0", (2,), (9,), size=6), {"0": SIX}, "past the end of its storage"),
        (tensor("0", (2, 2), (1,), size=6), {"0": SIX}, "as many strides as sizes"),
        (tensor("1", (6,), (1,)), {"0": SIX}, "its storage '1' is missing"),
        (tensor("../x", (6,), (1,)), {"0": SIX}, "is missing"),
        (tensor("0", (5,), (1,)), {"0": SIX}, "is not 20 plain bytes"),
        (tensor("0", (-6,), (1,), size=6), {"0": SIX}, "not described by its storage and sizes"),
        (tensor("0", (6,), (1,), kind="QInt8Storage"), {"0": SIX}, "it would run torch.QInt8"),
        (whole(5), {}, "no weights"),
        (b"R", {}, "data.pkl"),  # a stack that runs empty
    ],
)
def test_a_broken_file_is_refused_with_the_reason(tmp_path, opcodes, storages, reason):
    body = opcodes if opcodes in (whole(5), b"R") else dictionary({"a": opcodes})
    with pytest.raises(FormatError, match=reason):
        torch_files.read(archive(tmp_path / "a.pt", body, storages))


def test_a_compressed_storage_is_refused_since_it_could_be_a_bomb(tmp_path):
    body = dictionary({"a": tensor("0", (6,), (1,))})
    path = archive(tmp_path / "a.pt", body, {"0": SIX}, zipfile.ZIP_DEFLATED)
    with pytest.raises(FormatError, match="is not 24 plain bytes"):
        torch_files.read(path)


def test_big_endian_and_other_files_are_refused(tmp_path):
    body = dictionary({"a": tensor("0", (6,), (1,))})
    with pytest.raises(FormatError, match="expected little"):
        torch_files.read(archive(tmp_path / "a.pt", body, {"0": SIX}, byteorder=b"big"))
    (tmp_path / "text.pt").write_text("hello")
    with pytest.raises(FormatError, match=r"neither a zip .* before 1\.6"):
        torch_files.read(tmp_path / "text.pt")
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as file:
        file.writestr("a.txt", "hello")
    with pytest.raises(FormatError, match=r"has no data\.pkl"):
        torch_files.read(tmp_path / "other.zip")
    with pytest.raises(FormatError, match="no such file"):
        torch_files.read(tmp_path / "none.pt")
