#!/usr/bin/env python3
"""Makes tests/data/golden/rvc: tiny checkpoints of RVC's own synthesizers with random weights, as RVC exports them, and what they sing.

    pip install torch scipy safetensors
    scripts/goldens/rvc.py RVC tests/data/golden/rvc

RVC is a checkout of https://github.com/RVC-Project/Retrieval-based-Voice-Conversion-WebUI. The rates are real, the channels few. Weights
are rounded to fp16 as in every exported checkpoint; everything is computed from the rounded ones in fp32. The random numbers are stored.
"""
import pathlib
import sys
from collections import OrderedDict

import torch
from safetensors.torch import save_file

rvc, folder = sys.argv[1], pathlib.Path(sys.argv[2])
folder.mkdir(parents=True, exist_ok=True)
sys.path.insert(0, rvc)
from infer.module import models  # noqa: E402

FRAMES, SPEAKERS, SPEAKER = 24, 3, 1
FULL = ("1", [3, 7, 11], [[1, 3, 5]] * 3)
# name: version, sings pitch, residual blocks, rates, kernels, sample rate, first channels
VARIANTS = {
    "v2_40k": ("v2", 1, FULL, [10, 10, 2, 2], [16, 16, 4, 4], 40000, 16),
    "v1_48k": ("v1", 1, ("1", [3, 5], [[1, 3, 5]] * 2), [10, 6, 2, 2, 2], [16, 16, 4, 4, 4], 48000, 32),
    "v2_32k_nono": ("v2", 0, ("1", [3], [[1, 3, 5]]), [10, 8, 2, 2], [20, 16, 4, 4], 32000, 16),
    "v1_40k_nono": ("v1", 0, ("2", [3, 7], [[1, 3]] * 2), [10, 10, 2, 2], [16, 16, 4, 4], 40000, 16),
}
CLASSES = {("v1", 1): models.SynthesizerTrnMs256NSFsid, ("v1", 0): models.SynthesizerTrnMs256NSFsid_nono,
           ("v2", 1): models.SynthesizerTrnMs768NSFsid, ("v2", 0): models.SynthesizerTrnMs768NSFsid_nono}
drawn = torch.Generator().manual_seed(7)


def normal(*shape):
    return torch.randn(*shape, generator=drawn)


def randomise(model):
    """Weights that keep the signals near 1, rounded to fp16."""
    for name, parameter in model.named_parameters():
        value = normal(*parameter.shape)
        if name.endswith("gamma"):
            value = 1 + 0.1 * value
        elif name.endswith("weight_g"):
            value = 0.8 + 0.2 * value.abs()
        elif parameter.dim() > 1 and "emb" not in name:
            value *= (1.5 / (parameter.numel() / parameter.shape[0])) ** 0.5
        elif parameter.dim() == 1:
            value *= 0.1
        parameter.data = value.half().float()
    model.enc_p.proj.weight.data *= 0.25


def recorded(model, arguments, noise, source_noise):
    """Runs infer() with known random numbers."""
    excitations = []
    if hasattr(model.dec, "m_source"):
        model.dec.m_source.register_forward_hook(lambda module, args, result: excitations.append(result[0]))
    randn_like, rand = torch.randn_like, torch.rand
    torch.randn_like = lambda x: noise if x.shape == noise.shape else source_noise
    torch.rand = lambda *shape, **kwargs: torch.zeros(shape)
    try:
        with torch.no_grad():
            audio, _, (z, z_p, mean, log_deviation) = model.infer(*arguments)
    finally:
        torch.randn_like, torch.rand = randn_like, rand
    result = {"mean": mean[0], "log_deviation": log_deviation[0], "z_p": z_p[0], "z": z[0], "audio": audio.reshape(-1)}
    return result | ({"excitation": excitations[0].reshape(-1)} if excitations else {})


for name, (version, f0_model, blocks, rates, kernels, rate, channels) in VARIANTS.items():
    config = [1025, 32, 16, 16, 32, 2, 2, 3, 0, *blocks, rates, channels, kernels, SPEAKERS, 8, rate]
    model = CLASSES[version, f0_model](*config, is_half=False)
    del model.enc_q
    model.eval()
    randomise(model)
    weight = OrderedDict((key, value.half()) for key, value in model.state_dict().items())
    sr = f"{rate // 1000}k"
    torch.save(OrderedDict(weight=weight, config=config, info="3epoch", sr=sr, f0=f0_model, version=version), folder / f"{name}.pth")

    hop = torch.tensor(rates).prod().item()
    content = normal(FRAMES, 768 if version == "v2" else 256).half()
    tensors = {"content": content, "noise": normal(16, FRAMES)}
    arguments = [content.float()[None], torch.tensor([FRAMES])]
    source_noise = None
    if f0_model:
        f0 = torch.linspace(110, 880, FRAMES)
        f0[8:12] = 0
        mel = 1127 * torch.log(1 + f0 / 700)
        low, high = 1127 * torch.log(1 + torch.tensor([50.0, 1100.0]) / 700)
        coarse = torch.where(mel > 0, (mel - low) * 254 / (high - low) + 1, mel).clamp(1, 255).round().long()
        source_noise = normal(1, FRAMES * hop, 1)
        tensors |= {"f0": f0, "coarse": coarse.int(), "source_noise": source_noise[0]}
        arguments += [coarse[None], f0[None]]
    tensors |= recorded(model, [*arguments, torch.tensor([SPEAKER])], tensors["noise"][None], source_noise)
    tensors_path = folder / f"{name}.safetensors"
    save_file({key: value.contiguous() for key, value in tensors.items()}, tensors_path)
    tensors_path.chmod(0o644)
    print(name, {key: round(tensors[key].std().item(), 3) for key in ("mean", "log_deviation", "z", "audio")})
