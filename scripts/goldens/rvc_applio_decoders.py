#!/usr/bin/env python3
"""Makes tests/data/golden/rvc_decoders.safetensors from Applio's own decoders.

    pip install torch torchaudio safetensors
    scripts/goldens/rvc_applio_decoders.py APPLIO tests/data/golden/rvc_decoders.safetensors

APPLIO is a checkout of https://github.com/IAHispano/Applio. The weights are given by a formula that the test repeats, so that only their
shapes are stored. What the decoders draw at random is stored, but for the noise of RefineGAN's AdaIN layers, which voxconv leaves out: it
is zero here.
"""
import sys

import torch
from safetensors.torch import save_file

applio, output = sys.argv[1:3]
sys.path.insert(0, applio)
from rvc.lib.algorithm.generators.hifigan_mrf import HiFiGANMRFGenerator  # noqa: E402
from rvc.lib.algorithm.generators.hifigan_nsf import HiFiGANNSFGenerator  # noqa: E402
from rvc.lib.algorithm.generators.refinegan import RefineGANGenerator  # noqa: E402

FRAMES, LATENT, SPEAKER = 60, 6, 256
drawn = torch.Generator().manual_seed(5)


def formula(index, shape):
    """Weights that look random: tensor `index` in the order of the names."""
    count = torch.Size(shape).numel()
    values = torch.sin(torch.arange(1, count + 1, dtype=torch.double) ** 2 * 0.61 + index)
    fan_in = count / shape[0] if len(shape) > 1 else 400
    return (values * (1.5 / fan_in) ** 0.5).float().reshape(shape)


def fill(model):
    for module in model.modules():
        if torch.nn.utils.parametrize.is_parametrized(module):
            torch.nn.utils.parametrize.remove_parametrizations(module, "weight")
    state = {name: formula(i, tuple(model.state_dict()[name].shape)) for i, name in enumerate(sorted(model.state_dict()))}
    model.load_state_dict(state)
    return {name: torch.tensor(value.shape) for name, value in state.items()}


def run(model, hop, partials):
    """One pass with its random numbers recorded."""
    noise = torch.randn(1, FRAMES * hop, partials, generator=drawn)
    start = torch.rand(1, partials, generator=drawn)
    start[:, 0] = 0
    z = torch.randn(1, LATENT, FRAMES, generator=drawn)
    speaker = torch.randn(1, SPEAKER, 1, generator=drawn)
    f0 = torch.linspace(8, 30, FRAMES).unsqueeze(0)  # of models that sing at a few kHz
    f0[:, 20:30] = 0
    excitations = []
    model.m_source.register_forward_hook(lambda module, args, result: excitations.append(result[0] if isinstance(result, tuple) else result))
    randn_like, rand = torch.randn_like, torch.rand
    torch.randn_like = lambda x: noise if x.shape == noise.shape else torch.zeros_like(x)
    torch.rand = lambda *shape, **kwargs: start.reshape(shape).clone()
    try:
        with torch.no_grad():
            audio = model.eval()(z, f0, g=speaker)
    finally:
        torch.randn_like, torch.rand = randn_like, rand
    return {"z": z[0], "speaker": speaker[0, :, 0], "f0": f0[0], "noise": noise[0], "start": start[0],
            "excitation": excitations[0].reshape(-1), "audio": audio.reshape(-1)}


blocks = dict(resblock_kernel_sizes=[3, 5])
rates, kernels = [4, 2, 3], [8, 4, 6]  # an odd rate, and an odd stride over the excitation
models = {
    "mrf": (HiFiGANMRFGenerator(in_channel=LATENT, upsample_initial_channel=32, upsample_rates=rates, upsample_kernel_sizes=kernels,
                                resblock_dilations=[[1, 3], [1, 2]], gin_channels=SPEAKER, sample_rate=2400, harmonic_num=8, **blocks), 24, 9),
    "nsf": (HiFiGANNSFGenerator(LATENT, [3, 5], [[1, 3, 5], [1, 2, 4]], rates, 32, kernels, gin_channels=SPEAKER, sr=2400), 24, 1),
    "refinegan": (RefineGANGenerator(sample_rate=600, upsample_rates=(3, 2), num_mels=LATENT, start_channels=16,
                                     upsample_initial_channel=128), 6, 1),
}
tensors = {}
for name, (model, hop, partials) in models.items():
    tensors |= {f"{name}.shape.{key}": shape for key, shape in fill(model).items()}
    tensors |= {f"{name}.{key}": value.contiguous() for key, value in run(model, hop, partials).items()}
    print(name, "audio deviation", tensors[f"{name}.audio"].std().item())
save_file(tensors, output)
