#!/usr/bin/env python3
"""Makes tests/data/checkpoints: small torch files that must be read, and files that must be refused.

    checkpoints.py tests/data/checkpoints tests/fuzz/corpus/fuzz_checkpoint

Needs torch and numpy. The refused ones are made byte by byte; nothing in them is ever loaded with Python. refused.tsv says of each what the
reason must name.
"""
import argparse
import collections
import io
import pathlib
import pickle
import struct
import sys
import zipfile

import numpy
import torch


def good_files(folder: pathlib.Path) -> None:
    """The same values in all formats that torch.save() has had; tests/unit/checkpoint_test.cc knows them."""
    base = torch.arange(10.0)
    tensors = collections.OrderedDict(
        single=torch.arange(12.0).reshape(3, 4),
        half=torch.arange(5.0).half() / 2,
        brain=torch.arange(4.0).bfloat16().reshape(2, 2),
        double=torch.arange(3.0, dtype=torch.float64) / 3,
        long=torch.arange(4) - 2,
        int=torch.arange(3, dtype=torch.int32),
        byte=torch.arange(250, 255, dtype=torch.uint8),
        bool=torch.tensor([True, False, True]),
        scalar=torch.tensor(3.5),
        empty=torch.empty(0, 3),
        transposed=torch.arange(6.0).reshape(2, 3).t(),
        shared_a=base[2:5],
        shared_b=base[4::2],
    )
    content = {
        "weight": tensors,
        "parameter": {"deep": {"w": torch.nn.Parameter(torch.ones(2))}},
        "config": [1025, -7, "1", [3, 7, 11], [[1, 3, 5]] * 2, 2.5, None, True],
        "name": "声",
        "scalar": numpy.float64(0.25),
        "array": numpy.arange(6, dtype=numpy.float32).reshape(2, 3),
        "columns": numpy.asfortranarray(numpy.arange(6, dtype=numpy.float32).reshape(2, 3)),
        "settings": argparse.Namespace(layers=12),
        "size": torch.Size([1, 2]),
    }
    torch.save(content, folder / "plain_zip.pth")
    torch.save(content, folder / "plain_legacy.pth", _use_new_zipfile_serialization=False)
    torch.save(content, folder / "plain_protocol4.pth", pickle_protocol=4)
    (folder / "plain_deflated.pth").write_bytes(packed_again((folder / "plain_zip.pth").read_bytes()))


# A few opcodes, to write pickles by hand.
def text(value: str) -> bytes:
    data = value.encode()
    return b"X" + struct.pack("<I", len(data)) + data


def number(value: int) -> bytes:
    return b"\x8a\x08" + struct.pack("<q", value)


def numbers(*values: int) -> bytes:
    return b"(" + b"".join(map(number, values)) + b"t"


def glob(module: str, name: str) -> bytes:
    return f"c{module}\n{name}\n".encode()


def call(module: str, name: str, *arguments: bytes) -> bytes:
    return glob(module, name) + b"(" + b"".join(arguments) + b"tR"


def again(callable_: bytes, arguments: bytes, times: int) -> bytes:
    """Calls with the same arguments over and over, five bytes each."""
    return callable_ + b"q\x01" + arguments + b"q\x02R" + b"h\x01h\x02R" * times


def storage(count: int, key: str = "0", kind: str = "FloatStorage") -> bytes:
    return b"(" + text("storage") + glob("torch", kind) + text(key) + text("cpu") + number(count) + b"tQ"


def tensor(count: int, offset: int, size: bytes, stride: bytes, key: str = "0", kind: str = "FloatStorage") -> bytes:
    return call("torch._utils", "_rebuild_tensor_v2", storage(count, key, kind), number(offset), size, stride, b"\x89",
                call("collections", "OrderedDict"))


def pickled(body: bytes) -> bytes:
    return b"\x80\x02" + body + b"."


def weights(body: bytes) -> bytes:
    """The pickle of {"weight": body}."""
    return pickled(b"}" + text("weight") + body + b"s")


def archive(data: bytes, compression: int = zipfile.ZIP_STORED, **more: bytes) -> bytes:
    """A torch file of one storage of four float32 numbers."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", compression) as packed:
        entries = {"data.pkl": data, "byteorder": b"little", "data/0": struct.pack("<4f", 1, 2, 3, 4), "version": b"3\n"}
        entries.update(more)
        for name, content in entries.items():
            packed.writestr(zipfile.ZipInfo(f"archive/{name}"), content, compression)
    return out.getvalue()


LEGACY_HEAD = (b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19." + b"\x80\x02M\xe9\x03." + b"\x80\x02}q\x00.")


def legacy(data: bytes, count: int = 4, keys: bytes = b"]" + text("0") + b"a") -> bytes:
    return LEGACY_HEAD + data + pickled(keys) + struct.pack("<q", count) + struct.pack("<4f", 1, 2, 3, 4)


def overlapping_zip() -> bytes:
    """Two entries of the directory that name the same bytes."""
    data = bytearray(archive(weights(b"N")))
    first = data.index(b"PK\x01\x02")
    entries = [first]
    while data[entries[-1]:].find(b"PK\x01\x02", 4) > 0:
        entries.append(data.index(b"PK\x01\x02", entries[-1] + 4))
    data[entries[2] + 42:entries[2] + 46] = data[entries[1] + 42:entries[1] + 46]
    return bytes(data)


def with_size(data: bytes, name: str, size: int, field: int = 24, bytes_: int = 4) -> bytes:
    """The zip file with another size of an entry, or another field, in its directory."""
    at = data.rindex(f"archive/{name}".encode()) - 46 + field
    return data[:at] + size.to_bytes(bytes_, "little") + data[at + bytes_:]


def packed_again(data: bytes) -> bytes:
    """The zip file as a program that compresses makes it."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as before, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as after:
        for name in before.namelist():
            after.writestr(zipfile.ZipInfo(name), before.read(name), zipfile.ZIP_STORED if name.endswith("version") else zipfile.ZIP_DEFLATED)
    return out.getvalue()


def flipped(data: bytes, what: bytes) -> bytes:
    at = data.index(what)
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1:]


def refused_files() -> dict[str, tuple[bytes, str]]:
    plain = b"\x8c\x05posix\x8c\x06system"  # SHORT_BINUNICODE, for STACK_GLOBAL
    good = tensor(4, 0, numbers(4), numbers(1))
    files = {
        # What Python would run.
        "system": (archive(weights(call("posix", "system", text("rm -rf ~")))), "posix.system('rm -rf ~',)"),
        "system_legacy": (legacy(weights(call("posix", "system", text("rm -rf ~")))), "posix.system('rm -rf ~',)"),
        "system_in_key": (archive(pickled(b"}" + call("nt", "system", text("calc")) + good + b"s")), "nt.system('calc',)"),
        "eval": (archive(weights(call("__builtin__", "eval", text("1+1")))), "builtins.eval('1+1',)"),
        "getattr": (archive(weights(call("builtins", "getattr", glob("os", "environ"), text("get")))), "builtins.getattr(os.environ, 'get')"),
        "partial": (archive(weights(call("functools", "partial", glob("os", "system"), text("id")))), "functools.partial(os.system, 'id')"),
        "called_result": (archive(weights(call("collections", "OrderedDict") + b"(tR")), "would have called {}()"),
        "load_nested": (archive(weights(call("torch.storage", "_load_from_bytes", b"C\x03abc"))), "torch.storage._load_from_bytes"),
        "stack_global": (archive(b"\x80\x04" + plain + b"\x93" + text("id") + b"\x85R."), "posix.system('id',)"),
        "stack_global_dotted": (archive(b"\x80\x04\x8c\x05torch\x8c\x12_utils.os.system.x\x93" + text("id") + b"\x85R."), "torch._utils.os.system.x"),
        "newobj": (archive(weights(glob("subprocess", "Popen") + text("id") + b"\x85\x81")), "subprocess.Popen.__new__('id',)"),
        "newobj_ex": (archive(b"\x80\x04" + glob("subprocess", "Popen") + text("id") + b"\x85}\x92."), "subprocess.Popen.__new__"),
        "inst": (archive(weights(b"(" + text("id") + b"iposix\nsystem\n")), "posix.system('id',)"),
        "obj": (archive(weights(b"(" + glob("posix", "system") + text("id") + b"o")), "posix.system('id',)"),
        "build_tensor": (archive(weights(good + b"}" + text("x") + b"Nsb")), "<tensor>.__setstate__({'x': None})"),
        "build_global": (archive(weights(glob("torch", "Size") + b"}b")), "torch.Size.__setstate__"),
        "extension_code": (archive(weights(b"\x82\x07")), "class with the number 7"),
        "reference_only": (archive(weights(glob("os", "system"))), "os.system"),
        "popped_reference": (archive(weights(glob("os", "system") + b"0N")), "os.system"),
        "called_type": (archive(weights(call("torch", "FloatStorage", number(10 ** 12)))), "torch.FloatStorage"),
        "hidden_in_hooks": (archive(weights(call("torch._utils", "_rebuild_tensor_v2", storage(4), number(0), numbers(4), numbers(1), b"\x89",
                                                 call("os", "getcwd")))), "os.getcwd()"),
        "reconstructor": (archive(weights(call("copy_reg", "_reconstructor", glob("os", "_Environ"), glob("__builtin__", "object"), b"N"))), "os._Environ"),
        "torchscript": (archive(weights(b"N"), **{"constants.pkl": pickled(b")")}), "TorchScript"),
        "persistent_text": (archive(weights(b"Pos.system\n")), "outside object \"os.system\""),
        "persistent_other": (archive(weights(b"(" + text("module") + glob("torch", "FloatStorage") + text("0") + text("cpu") + number(4) + b"tQ")),
                             "outside object"),
        "escape_codes": (archive(weights(call("os", "system\x1b[2J", text("\x1b]0;x\x07")))), "os.system\\x1b[2J"),
        # Sizes that lie.
        "beyond_storage": (archive(weights(tensor(4, 2, numbers(3), numbers(1)))), "reaches beyond its storage"),
        "negative_offset": (archive(weights(tensor(4, -1, numbers(3), numbers(1)))), "negative offset"),
        "negative_stride": (archive(weights(tensor(4, 3, numbers(4), numbers(-1)))), "none below 0"),
        "negative_size": (archive(weights(tensor(4, 0, numbers(-4), numbers(1)))), "none below 0"),
        "huge_size": (archive(weights(tensor(4, 0, numbers(2 ** 62, 4), numbers(1, 1)))), "more numbers than its storage"),
        "size_overflow": (archive(weights(tensor(4, 0, numbers(2 ** 32, 2 ** 32), numbers(0, 0)))), "more numbers than its storage"),
        "stride_overflow": (archive(weights(tensor(4, 0, numbers(2, 2), numbers(2 ** 62, 2 ** 62)))), "reaches beyond its storage"),
        "empty_overflow": (archive(weights(tensor(4, 0, numbers(0, 2 ** 62, 2 ** 62), numbers(1, 1, 1)))), "empty and yet too large"),
        "broadcast_bomb": (archive(weights(tensor(4, 0, numbers(10 ** 12), numbers(0)))), "more numbers than its storage"),
        "shared_bomb": (archive(weights(b"(" + again(glob("torch._utils", "_rebuild_tensor_v2"), b"(" + storage(4096) + number(0) + numbers(4096)
                                                     + numbers(1) + b"\x89Nt", 200) + b"t"), **{"data/0": b"\0" * 16384}), "too many times"),
        "huge_storage": (archive(weights(tensor(10 ** 12, 0, numbers(10 ** 12), numbers(1)))), "more than its storage holds"),
        "huge_storage_legacy": (legacy(weights(tensor(4, 0, numbers(4), numbers(1))), count=10 ** 12), "truncated"),
        "missing_storage": (archive(weights(tensor(4, 0, numbers(4), numbers(1), key="7"))), "storage 7"),
        "storage_outside": (archive(weights(tensor(4, 0, numbers(4), numbers(1), key="../data.pkl"))), "storage ../data.pkl"),
        "unknown_storage": (archive(weights(tensor(4, 0, numbers(4), numbers(1), kind="ComplexFloatStorage"))), "torch.ComplexFloatStorage"),
        "many_dimensions": (archive(weights(tensor(4, 0, numbers(*[1] * 100), numbers(*[1] * 100)))), "100 dimensions"),
        "huge_text": (archive(weights(b"\x8d" + struct.pack("<Q", 2 ** 40))), "bytes"),
        "huge_text_signed": (archive(weights(b"\x8d" + b"\xff" * 8)), "bytes"),
        "copied_text_bomb": (archive(weights(b"(" + again(glob("_codecs", "encode"), b"(" + text("x" * 8192) + text("latin1") + b"t", 300) + b"t")),
                             "grow far beyond its size"),
        # Texts that would be copied wherever they are used.
        "long_global": (archive(weights(glob("omegaconf.base", "A" * 600))), "a name of 614 bytes"),
        "long_key": (archive(weights(tensor(4, 0, numbers(4), numbers(1), key="0" * 300))), "300 bytes"),
        "long_name": (archive(weights(b"}" + text("a" * 1200) + good + b"s")), "more than 1024 bytes"),
        # Pickles that are broken.
        "no_values": (archive(pickled(b"")), "more values than there are"),
        "no_mark": (archive(pickled(b"t")), "a mark"),
        "unknown_memo": (archive(pickled(b"h\x07")), "not had yet"),
        "unknown_step": (archive(pickled(b"\xff")), "0xff"),
        "odd_dict": (archive(pickled(b"(Nd")), "a key without a value"),
        "append_to_text": (archive(pickled(text("a") + b"Na")), "no list"),
        "deep": (archive(pickled(b"]" * 1000 + b"a" * 999 + glob("os", "system") + b"0")), "os.system"),
        "array_of_lies": (archive(weights(call("numpy.core.multiarray", "_reconstruct", glob("numpy", "ndarray"), numbers(0), b"C\x01b") + b"(" +
                                          number(1) + numbers(10 ** 9, 10 ** 9) + call("numpy", "dtype", text("f4"), b"\x89", b"\x88") +
                                          b"\x89C\x04\0\0\0\0tb")), "numpy array"),
        "array_empty_overflow": (archive(weights(call("numpy.core.multiarray", "_reconstruct", glob("numpy", "ndarray"), numbers(0), b"C\x01b") +
                                                 b"(" + number(1) + numbers(2 ** 62, 2 ** 62, 0) +
                                                 call("numpy", "dtype", text("f4"), b"\x89", b"\x88") + b"\x89C\0tb")), "numpy array"),
        # Archives that are broken.
        "compressed": (archive(weights(good), zipfile.ZIP_BZIP2), "compressed by the method 12"),
        "deflate_bomb": (archive(weights(good), zipfile.ZIP_DEFLATED, **{"data/1": b"\0" * (4 << 20)}), "unpacked, it would take more than"),
        "deflate_size_too_small": (with_size(archive(weights(good), zipfile.ZIP_DEFLATED), "data/0", 12), "does not unpack to 12 bytes"),
        "deflate_size_too_large": (with_size(archive(weights(good), zipfile.ZIP_DEFLATED), "data/0", 20), "does not unpack to 20 bytes"),
        "deflate_size_huge": (with_size(archive(weights(good), zipfile.ZIP_DEFLATED), "data/0", 0xfffffffe), "unpacked, it would take more than"),
        "encrypted": (with_size(archive(weights(good)), "data/0", 1, field=8, bytes_=2), "encrypted"),
        "overlapping": (overlapping_zip(), "overlap"),
        "big_endian": (archive(weights(good), byteorder=b"big"), "big-endian"),
        "no_pickle": (archive(weights(good)).replace(b"data.pkl", b"data.pkx"), "no data.pkl"),
        "flipped_number": (flipped(archive(weights(good)), struct.pack("<4f", 1, 2, 3, 4)), "checksum"),
        "flipped_pickle": (flipped(archive(weights(good)), b"weight"), "checksum"),
        "wrong_magic": (LEGACY_HEAD.replace(b"\x6c\xfc", b"\x6d\xfc", 1) + b"\0" * 64, "no model file"),
        "wrong_protocol": (LEGACY_HEAD.replace(b"M\xe9\x03", b"M\xea\x03", 1) + b"\0" * 64, "protocol 1002"),
        "bare_pickle": (pickle.dumps({"weight": [1, 2, 3]}, protocol=2), "no model file"),
        "zeros": (b"\0" * 64, "no model file"),
    }
    return files


def seeds(folder: pathlib.Path) -> dict[str, bytes]:
    """Starting points for the fuzzer: files, and bare pickles that it packs itself."""
    with zipfile.ZipFile(folder / "plain_zip.pth") as plain:
        inner = next(name for name in plain.namelist() if name.endswith("data.pkl"))
        plain_pickle = plain.read(inner)
    positions = [number(9), number(4), number(4), number(4), number(4), number(2), number(1), number(3), number(0), text("1"),
                 b"(" + number(3) + b"l", b"((" + number(1) + b"ll", b"(" + number(20) + number(20) + b"l", number(8),
                 b"(" + number(20) + number(20) + b"l", number(2), number(4), number(40000)]
    rvc = pickled(b"(" + text("weight") + b"(" + text("emb_g.weight") + tensor(64, 0, numbers(2, 4), numbers(4, 1)) +
                  text("enc_p.emb_phone.weight") + tensor(64, 8, numbers(4, 6), numbers(6, 1)) +
                  text("dec.ups.0.weight_g") + tensor(64, 0, numbers(4, 1, 1), numbers(1, 1, 1)) +
                  text("dec.ups.0.weight_v") + tensor(64, 0, numbers(4, 2, 3), numbers(6, 3, 1)) + b"d" +
                  text("config") + b"(" + b"".join(positions) + b"l" + text("version") + text("v2") + text("f0") + number(1) +
                  text("info") + text("1epoch") + b"d")
    found = {"plain_zip.pth": (folder / "plain_zip.pth").read_bytes(), "plain_legacy.pth": (folder / "plain_legacy.pth").read_bytes(),
             "plain_deflated.pth": (folder / "plain_deflated.pth").read_bytes(),
             "plain.pkl": plain_pickle, "rvc.pkl": rvc}
    found |= {f"{name}.pth": refused_files()[name][0] for name in ("system", "obj", "array_of_lies", "stack_global", "newobj_ex", "overlapping")}
    return found


def main() -> None:
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    good_files(folder)
    table = []
    for name, (data, reason) in refused_files().items():
        (folder / f"refused_{name}.pth").write_bytes(data)
        table.append(f"refused_{name}.pth\t{reason}\n")
    (folder / "refused.tsv").write_text("".join(table))
    corpus = pathlib.Path(sys.argv[2])
    corpus.mkdir(parents=True, exist_ok=True)
    for name, data in seeds(folder).items():
        (corpus / name).write_bytes(data)


if __name__ == "__main__":
    main()
