#!/usr/bin/env python3
"""Separates songs with ZFTurbo's Music-Source-Separation-Training itself: its networks and its demix(), in fp32 on the CPU.

    roformer_original.py MSST CHECKPOINT -o FOLDER [--threads N] [--batch 1] SONG...

The settings lie beside the checkpoint as .yaml; roformer_assets.py says what is needed. Songs are of 44.1 kHz and stereo. Writes
FOLDER/NAME-<stem>.wav, 32-bit floats. --batch: segments that the network gets at once.
"""
import argparse
import importlib.util
import pathlib
import sys
import types

import ml_collections
import soundfile
import torch
import yaml


def load(repository: pathlib.Path, settings: pathlib.Path):
    """-> a network with the numbers it starts its training with, and its settings."""
    sys.path.insert(0, str(repository))
    package = types.ModuleType("models.bs_roformer")  # without its __init__, which imports networks that need more packages
    package.__path__ = [str(repository / "models/bs_roformer")]
    sys.modules["models.bs_roformer"] = package
    from models.bs_roformer.bs_roformer import BSRoformer
    from models.bs_roformer.mel_band_roformer import MelBandRoformer

    config = ml_collections.ConfigDict(yaml.load(settings.read_text(), Loader=yaml.FullLoader))
    return (MelBandRoformer if "num_bands" in config.model else BSRoformer)(**dict(config.model)).eval(), config


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("repository", type=pathlib.Path)
    parser.add_argument("checkpoint", type=pathlib.Path)
    parser.add_argument("-o", "--output", type=pathlib.Path, required=True)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("songs", nargs="+", type=pathlib.Path)
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    torch.set_grad_enabled(False)
    network, config = load(options.repository, options.checkpoint.with_suffix(".yaml"))
    network.load_state_dict(torch.load(options.checkpoint, weights_only=True, mmap=True), assign=True)
    config.inference.batch_size = options.batch
    config.training.use_amp = False
    sys.modules["utils"] = types.ModuleType("utils")
    spec = importlib.util.spec_from_file_location("model_utils", options.repository / "utils/model_utils.py")
    model_utils = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(model_utils)
    options.output.mkdir(parents=True, exist_ok=True)
    for song in options.songs:
        samples, rate = soundfile.read(song, dtype="float32", always_2d=True)
        assert rate == 44100 and samples.shape[1] == 2, song
        for stem, values in model_utils.demix(config, network, samples.T.copy(), "cpu", "roformer").items():
            soundfile.write(options.output / f"{song.stem}-{stem}.wav", values.T, rate, subtype="FLOAT")


if __name__ == "__main__":
    main()
