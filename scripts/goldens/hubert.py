#!/usr/bin/env python3
"""Makes tests/data/golden/hubert from Hugging Face's HubertModel with tiny random weights.

    pip install torch transformers safetensors
    scripts/goldens/hubert.py tests/data/golden/content.safetensors tests/data/golden/hubert

The first argument gives a second of speech. The folder gets model.safetensors and config.json (Hugging Face's layout), fairseq.pt (the
same weights under fairseq's names, as torch.save writes them) and expected.safetensors.
"""
import pathlib
import re
import sys

import torch
from safetensors.torch import load_file, save_file
from transformers import HubertConfig, HubertModel

clips, folder = sys.argv[1], pathlib.Path(sys.argv[2])
folder.mkdir(exist_ok=True)
torch.manual_seed(1)
config = HubertConfig(hidden_size=16, num_hidden_layers=10, num_attention_heads=2, intermediate_size=24, conv_dim=(16,) * 7,
                      num_conv_pos_embeddings=16, num_conv_pos_embedding_groups=4, classifier_proj_size=8)


class Model(HubertModel):
    def __init__(self, model_config):
        super().__init__(model_config)
        self.final_proj = torch.nn.Linear(model_config.hidden_size, model_config.classifier_proj_size)


model = Model(config).eval()
with torch.no_grad():
    for name, parameter in model.named_parameters():  # larger than at the start of a training, so that every layer counts
        if "layer_norm" not in name:
            parameter.copy_(torch.randn_like(parameter) * (0.5 / max(1, parameter[0].numel()) ** 0.5 if parameter.dim() > 1 else 0.1))
        else:
            parameter.copy_(torch.rand_like(parameter) + 0.5 if name.endswith("weight") else torch.randn_like(parameter) * 0.2)
    weight = model.encoder.pos_conv_embed.conv.parametrizations.weight
    weight.original0.copy_(torch.rand_like(weight.original0) + 0.5)

audio = load_file(clips)["audio"][8000:24000].float() / 32768
expected = {}
with torch.no_grad():
    for name, samples in (("whole", 16000), ("short", 719)):
        states = model(audio[None, :samples], output_hidden_states=True)
        expected[f"{name}.layer9_projection"] = model.final_proj(states.hidden_states[9])[0].contiguous()
        expected[f"{name}.last_layer"] = states.last_hidden_state[0].contiguous()
save_file(expected, folder / "expected.safetensors")
model.save_pretrained(folder)

older = {name.replace("parametrizations.weight.original0", "weight_g").replace("parametrizations.weight.original1", "weight_v"): tensor
         for name, tensor in model.state_dict().items()}


def fairseq(name):
    for pattern, other in ((r"^(feature_extractor\.conv_layers\.\d+)\.conv\.", r"\1.0."),
                           (r"^(feature_extractor\.conv_layers\.\d+)\.layer_norm\.", r"\1.2."),
                           (r"^feature_projection\.layer_norm\.", "layer_norm."),
                           (r"^feature_projection\.projection\.", "post_extract_proj."),
                           (r"^encoder\.pos_conv_embed\.conv\.", "encoder.pos_conv.0."),
                           (r"^(encoder\.layers\.\d+)\.attention\.", r"\1.self_attn."),
                           (r"^(encoder\.layers\.\d+)\.layer_norm\.", r"\1.self_attn_layer_norm."),
                           (r"\.feed_forward\.intermediate_dense\.", ".fc1."),
                           (r"\.feed_forward\.output_dense\.", ".fc2."),
                           (r"^masked_spec_embed$", "mask_emb")):
        name = re.sub(pattern, other, name)
    return name


renamed = {fairseq(name): tensor for name, tensor in older.items()}
renamed["label_embs_concat"] = torch.zeros(3, 8)
torch.save({"args": None, "cfg": {"_name": None}, "model": renamed, "task_state": {}}, folder / "fairseq.pt")
