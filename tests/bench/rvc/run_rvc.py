#!/usr/bin/env python3
"""Runs RVC's own offline pipeline on a file and prints what it took as JSON; --dump keeps every stage of it.

    run_rvc.py CHECKOUT ASSETS SONG.wav [--voice v2_40k.pth] [--index v2.index] [-o OUT.wav] [--dump STAGES.safetensors]
    run_rvc.py CHECKOUT ASSETS SONG.wav --device cuda --files 32    one after another, as RVC does, after one that is not measured

The noise is fixed: torch.manual_seed(SEED) before the pipeline. Each part of the song then draws, in this order, rand [] for each of HuBERT's
12 layers (by the transformers library, not used), randn [1, 192, T] (prior), rand [1, 1] (phase, not used), randn [1, T * hop, 1] (noise of
the source).
"""

import argparse
import json
import os
import pathlib
import time

import peer

SECONDS = {"hubert": 0.0, "f0": 0.0, "synthesis": 0.0}
DUMP: dict = {}


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkout")
    parser.add_argument("assets")
    parser.add_argument("song")
    parser.add_argument("--voice", default="v2_40k.pth")
    parser.add_argument("--index", default="", help="empty: no retrieval")
    parser.add_argument("--index-rate", type=float, default=0.75)
    parser.add_argument("--protect", type=float, default=0.33)
    parser.add_argument("--rms-mix", type=float, default=0.25)
    parser.add_argument("--key", type=int, default=0)
    parser.add_argument("--resample", type=int, default=0)
    parser.add_argument("--speaker", type=int, default=0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu", help="cuda: RVC chooses fp16 or fp32, and CUDA graphs")
    parser.add_argument("--files", type=int, default=0, help="0: the song once, without warming up")
    parser.add_argument("-o", "--output")
    parser.add_argument("--dump")
    options = parser.parse_args()
    for name in ("song", "output", "dump"):
        if getattr(options, name):
            setattr(options, name, str(pathlib.Path(getattr(options, name)).resolve()))
    return options


def timed(stage: str, function):
    def run(*args, **kwargs):
        start = time.perf_counter()
        result = function(*args, **kwargs)
        SECONDS[stage] += time.perf_counter() - start
        return result

    return run


def keep(name: str, value) -> None:
    import numpy as np
    import torch

    tensor = torch.from_numpy(np.array(value)) if not torch.is_tensor(value) else value.detach().clone()
    DUMP[name] = tensor.contiguous()


def watch(pipeline, network, dump: bool) -> None:
    """Times the stages and, with `dump`, keeps what they give. Dumping costs time."""
    import infer.vc.pipeline as module

    extract = timed("hubert", module.extract_hubert_features)
    segment = [-1]

    def hubert(*args, **kwargs):
        segment[0] += 1
        features = extract(*args, **kwargs)
        if dump:
            keep(f"segment{segment[0]}.audio", args[1][0])
            keep(f"segment{segment[0]}.hubert", features[0])
        return features

    module.extract_hubert_features = hubert
    pipeline.get_f0 = timed("f0", pipeline.get_f0)
    synthesise = timed("synthesis", network.infer)

    def infer(phone, lengths, *rest):
        result = synthesise(phone, lengths, *rest)
        if dump:
            name = f"segment{segment[0]}."
            keep(name + "content", phone[0])
            if len(rest) == 3:
                keep(name + "pitch", rest[0][0])
                keep(name + "pitchf", rest[1][0])
            out, _, (z, z_p, m, logs) = result
            for key, value in (("m", m), ("logs", logs), ("z_p", z_p), ("z", z), ("decoder", out)):
                keep(name + key, value[0])
        return result

    network.infer = infer
    if not dump:
        return
    filtfilt, get_f0, change_rms = module.signal.filtfilt, pipeline.get_f0, module.change_rms

    def highpass(*args):
        audio = filtfilt(*args)
        keep("highpassed", audio)
        return audio

    def f0(audio, *args):
        keep("padded", audio)
        coarse, hz = get_f0(audio, *args)
        keep("coarse", coarse)
        keep("f0", hz)
        return coarse, hz

    def mix(source, source_rate, result, *args):
        keep("unmixed", result)
        mixed = change_rms(source, source_rate, result, *args)
        keep("mixed", mixed)
        return mixed

    module.signal.filtfilt, pipeline.get_f0, module.change_rms = highpass, f0, mix
    if hasattr(network.dec, "m_source"):
        network.dec.m_source.register_forward_hook(lambda m, i, o: keep(f"segment{segment[0]}.excitation", o[0][0]))
    raw = pipeline.model_rmvpe.infer_from_audio

    def rmvpe(*args, **kwargs):
        hz = raw(*args, **kwargs)
        keep("rmvpe", hz)
        return hz

    pipeline.model_rmvpe.infer_from_audio = rmvpe


def peak_kib() -> int:
    status = pathlib.Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0])


def main() -> None:
    began = time.perf_counter()
    options = parse()
    if options.device == "cpu":
        os.environ["CUDA_VISIBLE_DEVICES"] = ""  # RVC takes a GPU where it finds one
    folder = peer.enter(options.checkout, options.assets)
    import torch

    if options.threads:
        torch.set_num_threads(options.threads)
    import numpy as np
    from configs.config import Config
    from infer.audio import load_audio
    from infer.hubert import load_hubert_model
    from infer.rmvpe import RMVPE
    from infer.vc.pipeline import Pipeline

    loading = time.perf_counter()
    config = Config()
    network, checkpoint = peer.load_voice(folder / options.voice)
    if options.device not in str(config.device):
        raise SystemExit(f"RVC chose the device {config.device}, not {options.device}")
    network = network.to(config.device)
    network = network.half() if config.is_half else network
    hubert = load_hubert_model(config.device, config.is_half)
    pipeline = Pipeline(checkpoint["config"][-1], config)
    pipeline.model_rmvpe = RMVPE(str(folder / "rmvpe.pt"), is_half=config.is_half, device=config.device)
    loaded = time.perf_counter()
    watch(pipeline, network, bool(options.dump))

    audio = load_audio(options.song, 16000)
    peak = np.abs(audio).max() / 0.95
    if peak > 1:
        audio /= peak
    read = time.perf_counter()
    rate = checkpoint["config"][-1]
    index = str(folder / options.index) if options.index else ""

    def convert():
        torch.manual_seed(options.seed)
        return pipeline.pipeline(
            hubert, network, options.speaker, audio.copy(), [0, 0, 0], options.key, "rmvpe", index, options.index_rate, checkpoint["f0"], rate,
            options.resample, options.rms_mix, checkpoint["version"], options.protect,
        )  # fmt: skip

    if options.files:
        convert()
        SECONDS.update(dict.fromkeys(SECONDS, 0.0))
    start = time.perf_counter()
    for _ in range(max(1, options.files)):
        out = convert()
    total = time.perf_counter() - start
    if options.output:
        import soundfile

        soundfile.write(options.output, out, options.resample or rate)
    if options.dump:
        import safetensors.torch

        keep("output", out)
        settings = {k: str(v) for k, v in vars(options).items() if k in ("seed", "index_rate", "protect", "rms_mix", "speaker")}
        safetensors.torch.save_file(DUMP, options.dump, metadata=settings)
    seconds = len(audio) / 16000 * max(1, options.files)
    report = {
        "program": "RVC",
        "torch": torch.__version__,
        "threads": torch.get_num_threads(),
        "device": str(config.device),
        "fp16": bool(config.is_half),
        "cuda_graph": os.environ.get("RVC_CUDA_GRAPH") == "1",
        "source_s": seconds,
        "import_s": loading - began,
        "load_s": loaded - loading,
        "read_s": read - loaded,
        "convert_s": total,
        "stages_s": {**SECONDS, "rest": total - sum(SECONDS.values())},
        "rtf": total / seconds,
        "peak_kib": peak_kib(),
    }
    print(json.dumps(report))


if __name__ == "__main__":
    main()
