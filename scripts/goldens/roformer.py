#!/usr/bin/env python3
"""Makes tests/data/golden/roformer: two small RoFormer separators with random weights, as .ckpt and .yaml, and what the public code makes of
them, in values.safetensors.

    git clone https://github.com/ZFTurbo/Music-Source-Separation-Training msst && git -C msst checkout ccc011abf7
    pip install torch==2.13.0 numpy==2.4.6 librosa==0.11.0 einops==0.8.1 beartype==0.23.1 rotary-embedding-torch==0.8.9 \\
        ml_collections==1.1.0 safetensors==0.8.0 pyyaml==6.0.4 tqdm
    scripts/goldens/roformer.py msst tests/data/golden/roformer

The networks are models/bs_roformer/{bs_roformer,mel_band_roformer}.py of that repository, the songs go through its utils/model_utils.py.
"""
import importlib.util
import pathlib
import sys
import types

import ml_collections
import torch
import yaml
from safetensors.torch import save_file

repository, output = map(pathlib.Path, sys.argv[1:3])
sys.path.insert(0, str(repository))
package = types.ModuleType("models.bs_roformer")  # without its __init__, which imports networks that need more packages
package.__path__ = [str(repository / "models/bs_roformer")]
sys.modules["models.bs_roformer"] = package
from models.bs_roformer.bs_roformer import BSRoformer  # noqa: E402
from models.bs_roformer.mel_band_roformer import MelBandRoformer  # noqa: E402

spec = importlib.util.spec_from_file_location("model_utils", repository / "utils/model_utils.py")
model_utils = importlib.util.module_from_spec(spec)
sys.modules["utils"] = types.ModuleType("utils")
spec.loader.exec_module(model_utils)
torch.set_grad_enabled(False)

COMMON = {"dim": 16, "stereo": True, "dim_head": 8, "heads": 2, "attn_dropout": 0, "ff_dropout": 0, "flash_attn": False, "stft_n_fft": 256,
          "stft_hop_length": 64, "stft_win_length": 256, "stft_normalized": False, "mask_estimator_depth": 2}
# One as the published ones are built, one with everything they can have besides.
NETWORKS = {
    "mel": (MelBandRoformer, {
        "model": COMMON | {"depth": 2, "num_stems": 1, "time_transformer_depth": 1, "freq_transformer_depth": 1, "num_bands": 12,
                           "dim_freqs_in": 129, "sample_rate": 44100, "mlp_expansion_factor": 2},
        "audio": {"chunk_size": 3200, "sample_rate": 44100, "num_channels": 2},
        "training": {"instruments": ["vocals", "other"], "target_instrument": "vocals", "use_amp": False},
        "inference": {"batch_size": 1, "num_overlap": 2}}),
    "bs": (BSRoformer, {
        "model": COMMON | {"depth": 3, "num_stems": 2, "time_transformer_depth": 2, "freq_transformer_depth": 1, "linear_transformer_depth": 1,
                           "freqs_per_bands": (2, 3, 4, 8, 16, 32, 64), "dim_freqs_in": 129, "mlp_expansion_factor": 2,
                           "mask_estimator_depth": 3, "skip_connection": True, "zero_dc": False, "stft_normalized": True},
        "audio": {"chunk_size": 3200, "sample_rate": 44100, "num_channels": 2},
        "training": {"instruments": ["vocals", "drums"], "target_instrument": None, "use_amp": False},
        "inference": {"batch_size": 1, "num_overlap": 4}}),
}


def randomise(network, generator):
    for name, value in network.named_parameters():
        if name.endswith("gamma"):
            value.copy_(1 + 0.2 * torch.randn(value.shape, generator=generator))
        elif not name.endswith("freqs"):
            scale = 0.5 if value.ndim != 2 else 1.2 * value.shape[1] ** -0.5
            value.copy_(scale * torch.randn(value.shape, generator=generator))


def song(samples, generator):
    """Stereo noise with an envelope, louder low than high."""
    noise = torch.randn(2, samples, generator=generator)
    return (0.1 * torch.cumsum(noise - noise.roll(200, 1), 1) * torch.linspace(0.2, 1, samples)).float().contiguous()


tensors = {}
for name, (make, settings) in NETWORKS.items():
    generator = torch.Generator().manual_seed(7)
    network = make(**settings["model"]).eval()
    randomise(network, generator)
    torch.save(network.state_dict(), output / f"{name}.ckpt")
    (output / f"{name}.yaml").write_text(yaml.dump(settings, sort_keys=False))

    def record(part):
        return lambda module, inputs, result: tensors.__setitem__(f"{name}.{part}", result.squeeze(0).clone())

    hooks = [network.band_split.register_forward_hook(record("split"))]
    for i, block in enumerate(network.layers):
        for kind, transformer in zip(("linear", "time", "bands")[-len(block):], block):
            hooks.append(transformer.register_forward_hook(record(f"{kind}.{i}")))
    for i, estimator in enumerate(network.mask_estimators):
        hooks.append(estimator.register_forward_hook(record(f"masks.{i}")))
    segment = song(settings["audio"]["chunk_size"], generator)
    tensors[f"{name}.segment"] = segment
    tensors[f"{name}.separated"] = network(segment[None])[0]
    for hook in hooks:
        hook.remove()

    # Longer and shorter than a segment.
    config = ml_collections.ConfigDict(settings)
    for samples in (9000, 2000):
        mixture = song(samples, generator)
        stems = model_utils.demix(config, network, mixture.numpy(), "cpu", "roformer")
        tensors[f"{name}.song.{samples}"] = mixture
        for stem, value in stems.items():
            tensors[f"{name}.song.{samples}.{stem}"] = torch.from_numpy(value)
    print(name, sum(p.numel() for p in network.parameters()), "parameters")

# The bins of the bands of full-sized networks.
for n_fft in (2048, 4096):
    network = MelBandRoformer(dim=8, depth=1, dim_head=8, heads=1, stereo=True, stft_n_fft=n_fft, stft_win_length=n_fft)
    used = network.freqs_per_band
    assert all(torch.diff(band.nonzero()[:, 0]).eq(1).all() for band in used)
    tensors[f"mel_bands.{n_fft}"] = torch.stack([used.int().argmax(1), used.sum(1)], 1)

save_file({name: value.contiguous() for name, value in tensors.items()}, output / "values.safetensors")
