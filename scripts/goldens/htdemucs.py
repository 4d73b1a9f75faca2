#!/usr/bin/env python3
"""Makes tests/data/golden/htdemucs: a package of Demucs with a small network of random numbers, and what Demucs' own code gives with it.

    pip install torch==2.13.0 numpy==2.4.6 safetensors==0.6.2 soundfile einops==0.8.1 omegaconf==2.3.0 tqdm==4.67.1
    pip install --no-deps demucs==4.0.1 julius==0.2.7 dora-search==0.1.12 treetable==0.2.6 retrying==1.4.2 submitit==1.5.4
    scripts/goldens/htdemucs.py tests/data/song.flac tests/data/golden/htdemucs

`--full FOLDER` writes packages of the sizes of htdemucs and htdemucs_6s instead, for checks and measurements that are not kept.
"""
import pathlib
import sys
import types
from fractions import Fraction

import numpy as np
import soundfile
import torch
from safetensors.numpy import save_file

# Only networks with Wiener filters use it, and it would ask for torchaudio.
sys.modules["openunmix"] = types.ModuleType("openunmix")
sys.modules["openunmix.filtering"] = types.ModuleType("openunmix.filtering")
sys.modules["openunmix.filtering"].wiener = None
from demucs.apply import apply_model  # noqa: E402
from demucs.htdemucs import HTDemucs  # noqa: E402
from demucs.states import serialize_model  # noqa: E402
from omegaconf import OmegaConf  # noqa: E402

SOURCES = ["drums", "bass", "other", "vocals"]
torch.set_grad_enabled(False)


def make(path, **arguments):
    """A network whose every parameter matters, in half precision as Demucs' files are; written as a package."""
    torch.manual_seed(1)
    model = HTDemucs(**arguments).eval()
    for name, value in model.named_parameters():
        if name.endswith(".scale"):
            value.copy_(torch.rand_like(value) * 0.5)
        elif "norm" in name or ".layers.0.1." in name or ".layers.0.4." in name or ".layers.1.1." in name or ".layers.1.4." in name:
            value.add_(torch.randn_like(value) * 0.1)
    package = serialize_model(model, OmegaConf.create({"seed": 1, "dset": {"segment": 1.5}}), half=True)
    torch.save(package, path)
    model.load_state_dict({name: value.float() for name, value in package["state"].items()})
    return model


def void(_):
    """For hooks, which may not return anything."""


def full(folder):
    common = dict(audio_channels=2, samplerate=44100, segment=Fraction(39, 5), dconv_mode=3, channels=48, depth=4)
    make(folder / "htdemucs.th", sources=SOURCES, bottom_channels=512, **common)
    make(folder / "htdemucs_6s.th", sources=[*SOURCES, "guitar", "piano"], **common)


def golden(clip, folder):
    model = make(folder / "small.th", sources=SOURCES, audio_channels=2, samplerate=44100, segment=Fraction(1, 10), nfft=256, depth=2,
                 channels=8, dconv_mode=3, dconv_comp=4, bottom_channels=16, t_layers=3, t_heads=4, t_hidden_scale=2.0)
    song, rate = soundfile.read(clip, dtype="float32")
    assert rate == 44100 and song.ndim == 1
    length = 14553  # three segments and a third
    mixture = torch.from_numpy(np.stack([song[44100:44100 + length], song[45100:45100 + length]]))
    kept = {}

    def keep(path, name, inputs=False):
        module = model.get_submodule(path)
        if inputs:
            module.register_forward_pre_hook(lambda module, given: void(kept.setdefault(name, given[0][0].clone())))
        else:
            first = path.startswith(("decoder", "tdecoder"))
            module.register_forward_hook(lambda module, given, got: void(kept.setdefault(name, (got[0] if first else got)[0].clone())))

    keep("encoder.1", "encoder.0", inputs=True)  # with what is added for each frequency
    keep("encoder.1", "encoder.1")
    keep("tencoder.0", "tencoder.0")
    keep("tencoder.1", "tencoder.1")
    keep("decoder.0", "cross", inputs=True)
    keep("tdecoder.0", "cross_t", inputs=True)
    keep("decoder.0", "decoder.0")
    keep("tdecoder.0", "tdecoder.0")
    result = model(mixture[None, :, :4410])[0]
    kept["result"] = result
    # As demucs/api.py treats a song, but that it also takes off its mean.
    deviation = mixture.mean(0).std() + 1e-8
    found = apply_model(model, mixture[None] / deviation, shifts=0, split=True, overlap=0.25) * deviation
    kept["vocals"] = found[0, SOURCES.index("vocals")]
    save_file({name: np.ascontiguousarray(value.numpy()) for name, value in kept.items()}, folder / "small.safetensors")


if sys.argv[1] == "--full":
    full(pathlib.Path(sys.argv[2]))
else:
    pathlib.Path(sys.argv[2]).mkdir(exist_ok=True)
    golden(sys.argv[1], pathlib.Path(sys.argv[2]))
