#!/usr/bin/env python3
"""Makes tests/data/golden/rmvpe.safetensors and rmvpe_weights.safetensors from RVC's own class RMVPE with a tiny network of random weights.

    pip install torch librosa scipy safetensors
    scripts/goldens/rmvpe.py RVC tests/data/golden/content.safetensors tests/data/golden

RVC: a checkout of RVC-Project/Retrieval-based-Voice-Conversion-WebUI. The second argument gives the speech.
"""
import pathlib
import sys
import types

import torch
from safetensors.torch import load_file, save_file

checkout, clips, folder = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3])
graph = types.ModuleType("tools.cuda_graph")  # on the CPU it only calls the function
graph.run_cuda_graph = lambda model, name, function, *inputs: function(*inputs)
sys.modules["tools.cuda_graph"] = graph
sys.path.insert(0, checkout)
from infer import rmvpe  # noqa: E402

torch.manual_seed(1)
full_size = rmvpe.E2E.__init__


def tiny(model, n_blocks, n_gru, kernel_size):
    full_size(model, 2, n_gru, kernel_size, en_de_layers=3, inter_layers=2, en_out_channels=2)
    model.fc = torch.nn.Sequential(rmvpe.BiGRU(3 * 128, 6, 1), torch.nn.Linear(12, 360), torch.nn.Dropout(0.25), torch.nn.Sigmoid())


rmvpe.E2E.__init__ = tiny
model = rmvpe.E2E(4, 1, (2, 2))
with torch.no_grad():
    for name, tensor in [*model.named_parameters(), *model.named_buffers()]:
        if tensor.dim() > 1:
            tensor.copy_(torch.randn_like(tensor) * (1.5 / tensor[0].numel()) ** 0.5)
        elif name.endswith(("running_var", "weight")):
            tensor.copy_(torch.rand_like(tensor) + 0.5)
        elif tensor.is_floating_point():
            tensor.copy_(torch.randn_like(tensor) * 0.2)
    model.fc[1].weight.mul_(3)
    model.fc[1].bias.sub_(14)  # so that some frames are voiced and some are not
weights = {name: tensor.contiguous() for name, tensor in model.state_dict().items()}
save_file(weights, folder / "rmvpe_weights.safetensors")
torch.save(weights, "/tmp/rmvpe_tiny.pt")
estimator = rmvpe.RMVPE("/tmp/rmvpe_tiny.pt", is_half=False, device="cpu")
pathlib.Path("/tmp/rmvpe_tiny.pt").unlink()

audio = load_file(clips)["audio"][8000:40000].float() / 32768
with torch.no_grad():
    mel = estimator.extract_mel(audio, center=True)
    salience = estimator.mel2hidden(mel)
    long = estimator.mel2hidden(estimator.extract_mel(audio.repeat(5), center=True))  # which voxconv computes in pieces
hz = torch.from_numpy(estimator.infer_from_audio(audio.numpy(), thred=0.03))
print(f"{int((hz > 0).sum())} of {len(hz)} frames voiced, peaks at {salience[0].argmax(1).unique().tolist()}")
kept = {"mel": mel[0, :, ::10], "salience": salience[0, ::10], "long": long[0, 55::100], "hz": hz}
save_file({name: tensor.contiguous() for name, tensor in kept.items()}, folder / "rmvpe.safetensors")
