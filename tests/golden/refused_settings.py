"""config.json settings that change the mathematics and that tome does not compute: it must refuse them by name.

Every other value of a key named here (the one the tiny models have, or the key's absence) is the mathematics that tome
computes. Keys that change nothing at inference: attention_dropout, initializer_range, use_cache, pretraining_tp (sums
split over slices), pad/bos/eos ids, cache_implementation, _sliding_window_pattern beside layer_types.
A tensor in the safetensors files that nothing uses (a bias, a second norm) must be an error too: it catches what a
config does not tell.
"""

import copy
import json

REFUSED = {  # model whose config.json is changed: {file name: (what the error must name, changed settings)}
    "llama": {
        "attention-bias": ("attention_bias", {"attention_bias": True}),
        "mlp-bias": ("mlp_bias", {"mlp_bias": True}),
        "activation": ("hidden_act", {"hidden_act": "gelu_pytorch_tanh"}),
        "partial-rotary": ("partial_rotary_factor", {"partial_rotary_factor": 0.5}),
        "partial-rotary-rope": ("partial_rotary_factor", {"rope_parameters": {
            "rope_type": "default", "rope_theta": 10000.0, "partial_rotary_factor": 0.5}}),
        "interleaved": ("rope_interleaved", {"rope_interleaved": True}),
        "longrope": ("longrope", {"rope_parameters": {
            "rope_type": "longrope", "rope_theta": 10000.0, "factor": 4.0, "original_max_position_embeddings": 64,
            "short_factor": [1.0] * 8, "long_factor": [2.0] * 8}}),
        "su": ("su", {"rope_scaling": {"type": "su", "short_factor": [1.0] * 8, "long_factor": [2.0] * 8}}),
        "proportional": ("proportional", {"rope_parameters": {"rope_type": "proportional", "rope_theta": 10000.0}}),
        "mrope": ("mrope_section", {"rope_parameters": {
            "rope_type": "default", "rope_theta": 10000.0, "mrope_section": [2, 3, 3]}}),
        "unknown-rope": ("mystery", {"rope_scaling": {"type": "mystery", "factor": 2.0}}),
        "quantised": ("quantization_config", {"quantization_config": {"quant_method": "gptq", "bits": 4}}),
        "no-rope-layers": ("no_rope_layers", {"no_rope_layers": [1, 0]}),
        "windowed": ("layer_types", {"layer_types": ["full_attention", "sliding_attention"], "sliding_window": 16}),
        "classifier": ("LlamaForSequenceClassification", {"architectures": ["LlamaForSequenceClassification"]}),
        "other-family": ("mistral", {"model_type": "mistral", "architectures": ["MistralForCausalLM"]}),
    },
    "gemma": {
        "attention-bias": ("attention_bias", {"attention_bias": True}),
        "activation": ("hidden_activation", {"hidden_activation": "silu"}),
        "attention-softcap": ("attn_logit_softcapping", {"attn_logit_softcapping": 50.0}),
        "final-softcap": ("final_logit_softcapping", {"final_logit_softcapping": 30.0}),
        "bidirectional": ("use_bidirectional_attention", {"use_bidirectional_attention": True}),
        "layer-type": ("chunked_attention", {"layer_types": ["chunked_attention"] * 7}),
        "no-window": ("sliding_window", {"sliding_window": None}),
        "gemma2": ("gemma2", {"model_type": "gemma2", "architectures": ["Gemma2ForCausalLM"]}),
    },
}


def write_refused_configs(models):
    """models/refused.json: [{"case": ..., "names": ..., "config": ...}], each config complete."""
    cases = []
    for model, changes in REFUSED.items():
        base = json.loads((models / model / "config.json").read_text())
        for file, (names, settings) in changes.items():
            config = copy.deepcopy(base)
            if "rope_scaling" in settings:
                config.pop("rope_parameters")
            cases.append({"case": f"{model}: {file}", "names": names, "config": config | settings})
    (models / "refused.json").write_text("[\n" + ",\n".join(json.dumps(case) for case in cases) + "\n]\n")
