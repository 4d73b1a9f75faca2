#!/usr/bin/env python3
"""Writes separators of the size of published ones with random numbers: time and memory do not depend on what a network has learnt.

    git clone https://github.com/ZFTurbo/Music-Source-Separation-Training msst && git -C msst checkout ccc011abf7
    pip install torch==2.13.0 numpy==2.4.6 librosa==0.11.0 einops==0.8.1 beartype==0.23.1 rotary-embedding-torch==0.8.9 \\
        ml_collections==1.1.0 soundfile==0.14.0 pyyaml==6.0.4 tqdm
    roformer_assets.py msst FOLDER

FOLDER/mel.{ckpt,yaml}: K. Jensen's MelBand-RoFormer for vocals; FOLDER/bs.{ckpt,yaml}: viperx's BS-RoFormer, each by its published settings.
"""
import pathlib
import shutil
import sys

import torch
from roformer_original import load

repository, folder = map(pathlib.Path, sys.argv[1:3])
folder.mkdir(parents=True, exist_ok=True)
torch.manual_seed(1)
for name, settings in (("mel", "KimberleyJensen/config_vocals_mel_band_roformer_kj.yaml"),
                       ("bs", "viperx/model_bs_roformer_ep_317_sdr_12.9755.yaml")):
    shutil.copy(repository / "configs" / settings, folder / f"{name}.yaml")
    network, _ = load(repository, folder / f"{name}.yaml")
    torch.save(network.state_dict(), folder / f"{name}.ckpt")
    print(name, sum(value.numel() for value in network.parameters()), "parameters")
