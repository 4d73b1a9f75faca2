#!/usr/bin/env python3
"""Makes tests/data/golden/whisper_decoder.safetensors from the package transformers: a small Whisper decoder with random weights, named as
CTranslate2's converter names them, and what the original gives.

    pip install torch transformers safetensors
    scripts/goldens/whisper_decoder.py tests/data/golden/whisper_decoder.safetensors
"""
import sys

import torch
from safetensors.torch import save_file
from transformers import WhisperConfig
from transformers.models.whisper.modeling_whisper import WhisperDecoder

torch.manual_seed(1)
config = WhisperConfig(vocab_size=61, d_model=24, decoder_layers=2, decoder_attention_heads=3, decoder_ffn_dim=96, max_target_positions=16,
                       max_source_positions=20, pad_token_id=0, bos_token_id=0, eos_token_id=0, decoder_start_token_id=0)
decoder = WhisperDecoder(config).eval()
with torch.no_grad():
    for parameter in decoder.parameters():
        parameter.copy_(torch.randn_like(parameter) * 0.3)
encoded = torch.randn(1, 20, 24)
tokens = torch.randint(61, (1, 12))
with torch.no_grad():
    hidden = decoder(input_ids=tokens, encoder_hidden_states=encoded, use_cache=False).last_hidden_state
    logits = hidden @ decoder.embed_tokens.weight.T

state = decoder.state_dict()
out = {"decoder/embeddings/weight": state["embed_tokens.weight"], "decoder/position_encodings/encodings": state["embed_positions.weight"],
       "decoder/layer_norm/gamma": state["layer_norm.weight"], "decoder/layer_norm/beta": state["layer_norm.bias"],
       "decoder/num_heads": torch.tensor(3, dtype=torch.int16)}
for i in range(2):
    old, new = f"layers.{i}", f"decoder/layer_{i}"

    def linear(name, *parts):
        """Several of the original's stacked; its keys have no bias."""
        weights = [state[f"{old}.{part}.weight"] for part in parts]
        biases = [state.get(f"{old}.{part}.bias", torch.zeros(len(weight))) for part, weight in zip(parts, weights)]
        out[f"{new}/{name}/weight"], out[f"{new}/{name}/bias"] = torch.cat(weights), torch.cat(biases)

    def norm(name, part):
        out[f"{new}/{name}/layer_norm/gamma"], out[f"{new}/{name}/layer_norm/beta"] = state[f"{old}.{part}.weight"], state[f"{old}.{part}.bias"]

    norm("self_attention", "self_attn_layer_norm")
    linear("self_attention/linear_0", *(f"self_attn.{part}_proj" for part in "qkv"))
    linear("self_attention/linear_1", "self_attn.out_proj")
    norm("attention", "encoder_attn_layer_norm")
    linear("attention/linear_0", "encoder_attn.q_proj")
    linear("attention/linear_1", *(f"encoder_attn.{part}_proj" for part in "kv"))
    linear("attention/linear_2", "encoder_attn.out_proj")
    norm("ffn", "final_layer_norm")
    linear("ffn/linear_0", "fc1")
    linear("ffn/linear_1", "fc2")
# Half precision would do for the weights of a test, not for its reference: all is fp32.
out |= {"encoded": encoded[0], "tokens": tokens[0], "logits": logits[0]}
save_file({name: value.contiguous().clone() for name, value in out.items()}, sys.argv[1])
