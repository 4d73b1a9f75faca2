#!/usr/bin/env python3
"""Makes tests/data/golden/rvc_pipeline from the Pipeline classes of both generations of RVC, with tiny random weights.

    pip install -r RVC/requirments_cpu_py312.txt      # of Retrieval-based-Voice-Conversion-WebUI; transformers < 4.50 matters: its HuBERT
                                                      # draws a random number per layer and drops it
    scripts/goldens/rvc_pipeline.py RVC CLASSIC tests/data/golden

RVC, CLASSIC: checkouts of RVC-Project/Retrieval-based-Voice-Conversion-WebUI ("head") and RVC-Project/Retrieval-based-Voice-Conversion
("classic"). HuBERT is the tiny one of scripts/goldens/hubert.py; the pitch is made up here, so that what is compared is the pipeline.
"""
import importlib.util
import pathlib
import sys
import types

import faiss
import numpy as np
import torch
from safetensors.torch import load_file, save_file

head_folder, classic_folder, data = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3])
folder = data / "rvc_pipeline"
folder.mkdir(exist_ok=True)
sys.path.insert(0, head_folder)
for name in ("parselmouth", "pyworld", "torchcrepe"):  # estimators that are not used here
    sys.modules[name] = types.ModuleType(name)

from infer.hubert import HubertModelWithFinalProj  # noqa: E402
from infer.module.models import SynthesizerTrnMs768NSFsid  # noqa: E402
from infer.vc import pipeline as head  # noqa: E402

spec = importlib.util.spec_from_file_location("classic", f"{classic_folder}/rvc/modules/vc/pipeline.py")
classic = importlib.util.module_from_spec(spec)
spec.loader.exec_module(classic)

RATE, TARGET, CONTENT, LAYERS_OF_RVC = 16000, 4000, 16, 12
torch.manual_seed(3)
hubert = HubertModelWithFinalProj.from_pretrained(data / "hubert").eval()


class Hubert(torch.nn.Module):
    """Draws as many numbers as RVC's HuBERT of 12 layers does."""

    def forward(self, **inputs):
        result = hubert(**inputs)
        for _ in range(LAYERS_OF_RVC - hubert.config.num_hidden_layers):
            torch.rand([])
        return result

    def extract_features(self, source, padding_mask, output_layer):
        """fairseq's, which draws none."""
        with torch.random.fork_rng():
            return [hubert(input_values=source).last_hidden_state]


config = [129, 8, 16, 16, 24, 2, 2, 3, 0, "1", [3, 7], [[1, 3, 5], [1, 3, 5]], [5, 4, 2], 16, [11, 8, 4], 3, 8, TARGET]
synthesizer = SynthesizerTrnMs768NSFsid(*config, is_half=False)
del synthesizer.enc_q
synthesizer.enc_p.emb_phone = torch.nn.Linear(CONTENT, config[3])
synthesizer.eval().remove_weight_norm()
with torch.no_grad():
    for name, parameter in synthesizer.named_parameters():
        fan_in = max(1, parameter[0].numel()) if parameter.dim() > 1 else 1
        if parameter.dim() > 1:
            parameter.copy_(torch.randn_like(parameter) * 0.8 / fan_in**0.5)
        elif name.endswith("gamma"):
            parameter.copy_(torch.rand_like(parameter) + 0.5)
        else:
            parameter.copy_(torch.randn_like(parameter) * 0.1)
    synthesizer.dec.m_source.l_linear.weight.fill_(4)
    synthesizer.dec.conv_post.weight.mul_(0.3)
save_file({name: tensor.contiguous() for name, tensor in synthesizer.state_dict().items()}, folder / "weights.safetensors")

audio = load_file(data / "content.safetensors")["audio"].float().numpy() / 32768
with torch.no_grad():
    vectors = hubert(input_values=torch.from_numpy(audio)[None]).last_hidden_state[0].numpy()
index = faiss.index_factory(CONTENT, "IVF6,Flat")
index.train(vectors)
index.add(vectors + np.random.default_rng(0).normal(size=vectors.shape).astype(np.float32) * 0.05)
faiss.write_index(index, str(folder / "added.index"))

frames = np.arange(700)
pitch = np.where(frames % 50 < 12, 0, 220 * 2 ** (0.4 * np.sin(frames / 20))).astype(np.float32)
expected = {"f0": torch.from_numpy(pitch)}


class Pitch:
    def infer_from_audio(self, samples, thred):
        return pitch[: len(samples) // 160 + 1].astype(np.float64)


def convert(code, name, seconds, key, speaker, index_rate, protect, rms_mix, seed):
    pipe = code.Pipeline(TARGET, types.SimpleNamespace(x_pad=1, x_query=6, x_center=38, x_max=41, is_half=False, device="cpu"))
    pipe.model_rmvpe = Pitch()
    pipe.t_pad, pipe.t_pad2, pipe.t_pad_tgt = RATE // 4, RATE // 2, TARGET // 4
    pipe.t_query, pipe.t_center, pipe.t_max = RATE // 2, RATE * 3 // 2, RATE * 2
    samples = audio[: int(seconds * RATE)].copy()
    peak = np.abs(samples).max() / 0.95
    if peak > 1:
        samples /= peak
    file = str(folder / "added.index") if index_rate else ""
    torch.manual_seed(seed)
    if code is head:
        result = pipe.pipeline(Hubert(), synthesizer, speaker, samples, [0, 0, 0], key, "rmvpe", file, index_rate, 1, TARGET, 0, rms_mix, "v2",
                               protect)
    else:
        result = pipe.pipeline(Hubert(), synthesizer, speaker, samples, "", {"npy": 0, "f0": 0, "infer": 0}, key, "rmvpe", file, index_rate,
                               1, 3, TARGET, 0, rms_mix, "v2", protect)
    expected[name] = torch.from_numpy(result)
    print(name, len(result), "rms", np.sqrt(np.mean((result / 32768) ** 2)), "peak", np.abs(result).max())


convert(head, "head", 5, 3, 1, 0.75, 0.33, 0.25, 7)
convert(classic, "classic", 5, -2, 0, 0.6, 0.33, 1, 8)
convert(classic, "short", 1.5, 0, 2, 0, 0.5, 0.25, 9)
save_file(expected, folder / "expected.safetensors")
