#!/usr/bin/env python3
"""Writes RVC's weights at their full size with random numbers: speed, memory and parity do not depend on what a model has learnt.

    make_assets.py CHECKOUT FOLDER RECORDING...

FOLDER then holds hubert_base/ (Transformers' layout, .bin and .safetensors), hubert_base.pt (fairseq's layout), rmvpe.pt, v2_40k.pth,
v1_48k.pth, v2_32k_nono.pth and v2.index, all weights in fp16 as RVC distributes them. The recordings calibrate the statistics: content
that follows the sound, a plausible share of voiced frames, no saturated output; their features fill the index.
"""

import argparse
import json
import math
import os
import pathlib
import shutil

import numpy as np
import peer

VECTORS = 20000
WINDOW = 10 * 16000
VOICED = 0.75
OUTPUT_RMS = 0.1


def recordings(paths: list[str], seconds: float) -> np.ndarray:
    import librosa

    audio = np.concatenate([librosa.load(path, sr=16000, mono=True)[0] for path in paths])
    return np.resize(audio, int(seconds * 16000)).astype(np.float32)


def keep_apart(model, audio: np.ndarray) -> None:
    """Random layers give one constant vector, whatever they hear. So the projection whitens what the convolutions hear (half of its
    directions; the others are as good as silent), every sum is centred over the recordings, and what a branch adds varies half as much as
    what it is added to."""
    import torch

    def vary(x) -> float:
        return (x - x.mean((0, 1))).std().item()

    def calibrate(linear, added, x) -> None:
        factor = vary(x) / 2 / vary(added)
        total = (added - linear.bias) * factor + x
        linear.weight.mul_(factor)
        linear.bias.copy_(-total.mean((0, 1)))

    windows = torch.from_numpy(audio[: len(audio) // WINDOW * WINDOW]).view(-1, WINDOW)
    features = torch.cat([model.feature_extractor(w.unsqueeze(0)).transpose(1, 2) for w in windows])
    normed = model.feature_projection.layer_norm(features).flatten(0, 1)
    power, directions = torch.linalg.eigh(torch.cov(normed.T.double()))
    heard = slice(-len(power) // 2, None)
    projection = model.feature_projection.projection
    turn = torch.linalg.qr(torch.randn(projection.out_features, len(power[heard]), dtype=torch.double))[0]
    projection.weight.copy_(turn / power[heard].sqrt() @ directions[:, heard].T)
    projection.bias.copy_(-projection.weight @ normed.mean(0))
    x = model.feature_projection(features)
    x = model.encoder.layer_norm(x + model.encoder.pos_conv_embed(x))
    for layer in model.encoder.layers:
        calibrate(layer.attention.out_proj, layer.attention(x)[0], x)
        y = layer.layer_norm(x + layer.attention(x)[0])
        calibrate(layer.feed_forward.output_dense, layer.feed_forward(y), y)
        x = layer(x)[0]
    print(f"content changes by {((x - x.mean(1, keepdim=True)).norm(dim=2) / x.norm(dim=2)).mean():.2f} of its norm", flush=True)


def make_hubert(folder: pathlib.Path, audio: np.ndarray):
    import safetensors.torch
    import torch
    from infer.hubert import HubertModelWithFinalProj
    from transformers import HubertConfig

    config = HubertConfig()
    config.architectures = ["HubertModelWithFinalProj"]
    model = HubertModelWithFinalProj(config).eval()
    with torch.no_grad():
        for name, p in model.named_parameters():
            if name.startswith("encoder.layers") and p.dim() == 2:
                p.normal_(0, 0.05)
            elif name.endswith("layer_norm.weight"):
                p.uniform_(0.6, 1.4)
            elif name.endswith("bias"):
                p.normal_(0, 0.05)
        keep_apart(model, audio)
        for p in model.parameters():
            p.copy_(p.half())
    target = folder / "hubert_base"
    target.mkdir(parents=True, exist_ok=True)
    config.save_pretrained(target)
    (target / "preprocessor_config.json").write_text(
        json.dumps(
            {
                "do_normalize": False,
                "feature_extractor_type": "Wav2Vec2FeatureExtractor",
                "feature_size": 1,
                "padding_side": "right",
                "padding_value": 0,
                "return_attention_mask": False,
                "sampling_rate": 16000,
            },
            indent=2,
        )
    )
    state = {k: v.half().contiguous() for k, v in model.state_dict().items()}
    safetensors.torch.save_file(state, folder / "hubert_base.safetensors", metadata={"format": "pt"})
    conv = "encoder.pos_conv_embed.conv."
    old = {
        k.replace(conv + "parametrizations.weight.original0", conv + "weight_g").replace(
            conv + "parametrizations.weight.original1", conv + "weight_v"
        ): v
        for k, v in state.items()
    }
    torch.save(old, target / "pytorch_model.bin")
    torch.save({"args": None, "cfg": {"_name": None}, "model": fairseq_names(old), "task_state": {}}, folder / "hubert_base.pt")
    # The same in the other layout, in a folder of its own: a loader finds one file per folder.
    other = folder / "hubert_base_safetensors"
    other.mkdir(exist_ok=True)
    for name in ("config.json", "preprocessor_config.json"):
        shutil.copy(target / name, other / name)
    os.replace(folder / "hubert_base.safetensors", other / "model.safetensors")
    return model


def fairseq_names(state: dict) -> dict:
    import torch

    renamed = {}
    for name, value in state.items():
        n = name
        if n == "masked_spec_embed":
            n = "mask_emb"
        if n.startswith("feature_extractor.conv_layers."):
            n = n.replace(".layer_norm.", ".2.") if ".layer_norm." in n else n.replace(".conv.weight", ".0.weight")
        n = n.replace("feature_projection.layer_norm.", "layer_norm.").replace("feature_projection.projection.", "post_extract_proj.")
        n = n.replace("encoder.pos_conv_embed.conv.", "encoder.pos_conv.0.")
        if n.startswith("encoder.layers."):
            n = n.replace(".final_layer_norm.", ".FINAL.").replace(".layer_norm.", ".self_attn_layer_norm.").replace(".FINAL.", ".final_layer_norm.")
            n = n.replace(".attention.", ".self_attn.")
            n = n.replace(".feed_forward.intermediate_dense.", ".fc1.").replace(".feed_forward.output_dense.", ".fc2.")
        renamed[n] = value
    renamed["label_embs_concat"] = torch.zeros(504, 256)
    return renamed


def make_rmvpe(folder: pathlib.Path, audio: np.ndarray) -> None:
    import torch
    from infer.rmvpe import E2E, MelSpectrogram

    model = E2E(4, 1, (2, 2))
    norms = [m for m in model.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    with torch.no_grad():
        for norm in norms:
            norm.weight.uniform_(0.6, 1.4)
            norm.bias.normal_(0, 0.2)
            norm.momentum = 1.0
        mel = MelSpectrogram(False, 128, 16000, 1024, 160, None, 30, 8000)(torch.from_numpy(audio[: 16000 * 10]).unsqueeze(0))
        mel = mel[:, :, : mel.shape[-1] // 32 * 32]
        model.train()
        model(mel)  # running statistics of these recordings
        model.eval()
        gru, linear = model.fc[0].gru, model.fc[1]
        for name, p in gru.named_parameters():
            p.normal_(0, 1.5 / math.sqrt(p.shape[-1])) if p.dim() == 2 else p.normal_(0, 0.1)
        bins = torch.arange(360, dtype=torch.float32)
        smooth = torch.exp(-0.5 * ((bins[:, None] - bins[None, :]) / 3) ** 2)
        linear.weight.copy_(smooth @ torch.randn(360, 512))
        inside = (bins >= 90) & (bins <= 250)
        linear.bias.copy_(torch.where(inside, 0.0, -100.0))
        seen = {}
        handle = linear.register_forward_hook(lambda m, i, o: seen.update(out=o))
        model(mel)
        linear.weight.mul_(2.5 / seen["out"][0][:, inside].std())
        model(mel)
        peaks = seen["out"][0][:, inside].amax(1)
        handle.remove()
        shift = math.log(0.03 / 0.97) - torch.quantile(peaks, 1 - VOICED).item()
        linear.bias.copy_(torch.where(inside, shift, shift - 6.0))
    for norm in norms:
        norm.momentum = 0.01
    state = {k: v.half() if v.is_floating_point() else v for k, v in model.state_dict().items()}
    assert all(v.isfinite().all() for v in state.values())
    torch.save(state, folder / "rmvpe.pt")


def randomise(network) -> None:
    """Weights of a scale that keeps the signal alive through all layers."""
    import torch

    def draw(conv, gain: float, fan_in: float) -> None:
        weight = torch.randn(conv.weight.shape) * gain / math.sqrt(fan_in)
        if hasattr(conv, "weight_v"):
            conv.weight_v.copy_(weight)
            conv.weight_g.copy_(weight.flatten(1).norm(dim=1).view(-1, *[1] * (weight.dim() - 1)))
        else:
            conv.weight.copy_(weight)
        if conv.bias is not None:
            conv.bias.normal_(0, 0.02)

    dec = network.dec
    draw(dec.conv_pre, 1, dec.conv_pre.in_channels * 7)
    for up in dec.ups:
        draw(up, 1.3, up.in_channels * up.kernel_size[0] / up.stride[0])
    for block in dec.resblocks:
        for convs, gain in ((block.convs1, 1.0), (block.convs2, 0.5)):
            for conv in convs:
                draw(conv, gain, conv.in_channels * conv.kernel_size[0])
    for conv in getattr(dec, "noise_convs", []):
        draw(conv, 4, conv.kernel_size[0])
    draw(dec.conv_post, 1, dec.conv_post.in_channels * 7)
    if hasattr(dec, "m_source"):
        dec.m_source.l_linear.weight.fill_(0.9)
        dec.m_source.l_linear.bias.fill_(0.01)
    for flow in network.flow.flows:
        if hasattr(flow, "post"):
            draw(flow.post, 0.3, flow.post.in_channels)
    network.enc_p.proj.bias[192:].fill_(-1)


def make_voice(path: pathlib.Path, version: str, rate: str, f0: int, config_file: str, features) -> None:
    import torch
    from infer.module import models

    hps = json.loads(pathlib.Path(config_file).read_text())
    model, data = hps["model"], hps["data"]
    config = [data["filter_length"] // 2 + 1, 32]
    config += [
        model[k]
        for k in (
            "inter_channels hidden_channels filter_channels n_heads n_layers kernel_size p_dropout resblock resblock_kernel_sizes "
            "resblock_dilation_sizes upsample_rates upsample_initial_channel upsample_kernel_sizes spk_embed_dim gin_channels"
        ).split()
    ]
    config.append(data["sampling_rate"])
    name = "SynthesizerTrnMs%sNSFsid%s" % ({"v1": 256, "v2": 768}[version], "" if f0 else "_nono")
    network = getattr(models, name)(*config, is_half=False).eval()
    with torch.no_grad():
        randomise(network)
        count = features.shape[1]
        f0_hz = 220 * 2 ** torch.sin(torch.arange(count) / 40.0).unsqueeze(0)
        coarse = ((1127 * torch.log(1 + f0_hz / 700) - 77.75) * 254 / (1064.4 - 77.75) + 1).round().long().clamp(1, 255)
        inputs = [features, torch.tensor([count])] + ([coarse, f0_hz] if f0 else []) + [torch.tensor([0])]
        before = torch.atanh(network.infer(*inputs)[0].clamp(-1 + 1e-6, 1 - 1e-6))
        network.dec.conv_post.weight.mul_(OUTPUT_RMS / before.std())
        out = network.infer(*inputs)[0]
        print(f"{path.name}: peak {out.abs().max():.3f} rms {out.std():.4f}", flush=True)
    weight = {k: v.half() for k, v in network.state_dict().items() if "enc_q" not in k}
    torch.save({"weight": weight, "config": config, "info": "0epoch", "sr": rate, "f0": f0, "version": version}, path)


def make_index(path: pathlib.Path, features: np.ndarray) -> None:
    """As train/train_index.py builds it."""
    import faiss

    rng = np.random.default_rng(0)
    copies = -(-VECTORS // len(features))
    rows = np.concatenate([features + (0.02 * i) * features.std() * rng.standard_normal(features.shape) for i in range(copies)])[:VECTORS]
    rows = rows[rng.permutation(len(rows))].astype(np.float32)
    lists = max(1, min(int(16 * np.sqrt(len(rows))), len(rows) // 39))
    index = faiss.index_factory(rows.shape[1], f"IVF{lists},Flat")
    faiss.extract_index_ivf(index).nprobe = 1
    index.train(rows)
    index.add(rows)
    faiss.write_index(index, str(path))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("checkout", help="RVC's main branch")
    parser.add_argument("folder", help="where to put the weights")
    parser.add_argument("recordings", nargs="+")
    options = parser.parse_args()
    options.recordings = [str(pathlib.Path(path).resolve()) for path in options.recordings]
    pathlib.Path(options.folder).mkdir(parents=True, exist_ok=True)
    folder = peer.enter(options.checkout, options.folder)
    import torch

    torch.manual_seed(0)
    audio = recordings(options.recordings, 140)
    hubert = make_hubert(folder, audio)
    make_rmvpe(folder, audio)
    print("rmvpe", flush=True)
    from infer.hubert import extract_hubert_features

    with torch.no_grad():
        short = torch.from_numpy(audio[:32000]).unsqueeze(0)
        v2 = extract_hubert_features(hubert, short, "v2").repeat_interleave(2, 1)
        v1 = extract_hubert_features(hubert, short, "v1").repeat_interleave(2, 1)
        make_voice(folder / "v2_40k.pth", "v2", "40k", 1, "configs/v1/40k.json", v2)
        make_voice(folder / "v1_48k.pth", "v1", "48k", 1, "configs/v1/48k.json", v1)
        make_voice(folder / "v2_32k_nono.pth", "v2", "32k", 0, "configs/v2/32k.json", v2)
        windows = np.array_split(audio, 14)
        rows = [extract_hubert_features(hubert, torch.from_numpy(w).unsqueeze(0), "v2")[0].numpy() for w in windows]
    make_index(folder / "v2.index", np.concatenate(rows))
    print("index", flush=True)


if __name__ == "__main__":
    main()
