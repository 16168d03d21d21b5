"""Reference networks with random weights, and their tensors under our names.

Each table says what part of a reference's name is called what here, applied in order. The general
reader of published checkpoints is elsewhere; these tables are the tests' own, on purpose.
"""

import torch
from torch import Tensor, nn

Table = tuple[tuple[str, str], ...]

HUGGING_FACE: Table = (
    ("vision_model.embeddings.class_embedding", "image.class_token"),
    ("vision_model.embeddings.patch_embedding", "image.stem.conv"),
    ("vision_model.embeddings.position_embedding.weight", "image.positions"),
    ("vision_model.pre_layrnorm", "image.pre_norm"),
    ("vision_model.encoder.layers", "image.blocks"),
    ("vision_model.post_layernorm", "image.final_norm"),
    ("vision_model.head.layernorm", "image.pool.norm"),
    ("vision_model.head", "image.pool"),
    ("visual_projection", "image.projection"),
    ("text_model.embeddings.token_embedding", "text.tokens"),
    ("text_model.embeddings.position_embedding.weight", "text.positions"),
    ("text_model.encoder.layers", "text.blocks"),
    ("text_model.final_layer_norm", "text.final_norm"),
    ("text_model.head", "text.projection"),
    ("text_projection", "text.projection"),
    ("self_attn", "attention"),
    ("q_proj", "query"),
    ("k_proj", "key"),
    ("v_proj", "value"),
    ("out_proj", "out"),
    ("layer_norm1", "attention_norm"),
    ("layer_norm2", "mlp_norm"),
    ("fc1", "up"),
    ("fc2", "down"),
)
OPEN_CLIP: Table = (
    ("visual.class_embedding", "image.class_token"),
    ("visual.positional_embedding", "image.positions"),
    ("visual.conv1.weight", "image.stem.conv.weight"),
    ("visual.ln_pre", "image.pre_norm"),
    ("visual.ln_post", "image.final_norm"),
    ("visual.proj", "image.projection.weight"),
    ("visual.transformer.resblocks", "image.blocks"),
    ("transformer.resblocks", "text.blocks"),
    ("token_embedding", "text.tokens"),
    ("positional_embedding", "text.positions"),
    ("ln_final", "text.final_norm"),
    ("text.text.", "text."),
    ("text_projection.weight", "projection.weight"),
    ("text_projection.bias", "projection.bias"),
    ("text_projection", "projection.weight"),
    ("ln_1", "attention_norm"),
    ("attn.out_proj", "attention.out"),
    ("attn.", "attention."),
    ("ln_2", "mlp_norm"),
    ("c_fc", "up"),
    ("c_proj", "down"),
)
OPEN_CLIP_RESNET: Table = (
    ("visual.attnpool.positional_embedding", "image.pool.positions"),
    ("visual.attnpool.q_proj", "image.pool.attention.query"),
    ("visual.attnpool.k_proj", "image.pool.attention.key"),
    ("visual.attnpool.v_proj", "image.pool.attention.value"),
    ("visual.attnpool.c_proj", "image.pool.attention.out"),
    ("visual.layer1", "image.stages.0"),
    ("visual.layer2", "image.stages.1"),
    ("visual.layer3", "image.stages.2"),
    ("visual.layer4", "image.stages.3"),
    ("downsample.0", "skip.conv"),
    ("downsample.1", "skip.bn"),
    ("visual.conv", "image.stem.conv"),
    ("visual.bn", "image.stem.bn"),
)
TRANSPOSED = ("visual.proj", "text.text_projection")  # bare matrices, input first


def randomise(reference: nn.Module, seed: int = 0) -> None:
    """Fill every tensor with something that matters: no zero bias, no unit norm."""
    generator = torch.Generator().manual_seed(seed)
    for name, tensor in reference.state_dict().items():
        if "logit" in name or not tensor.is_floating_point():
            continue
        noise = torch.randn(tensor.shape, generator=generator)
        if name.endswith("running_var"):
            tensor.copy_(noise.abs() + 0.5)
        elif tensor.ndim == 1:
            tensor.copy_(0.1 * noise + name.endswith("weight"))
        else:
            # Small inputs to the first norm: there a wrong eps shows.
            small = 0.1 if "embed" in name else 1.0
            tensor.copy_(small * noise * tensor[0].numel() ** -0.5)
    reference.eval()


def renamed(reference: nn.Module, table: Table) -> dict[str, Tensor]:
    """Return the reference's tensors under our names, fused projections apart."""
    tensors = {}
    for name, tensor in reference.state_dict().items():
        if name in TRANSPOSED:
            tensor = tensor.T
        for theirs, ours in table:
            name = name.replace(theirs, ours)
        if "in_proj" in name:
            for part, third in zip(("query", "key", "value"), tensor.chunk(3), strict=True):
                tensors[name.replace("in_proj_", f"{part}.")] = third
        elif name == "image.pool.probe":
            tensors[name] = tensor.flatten()
        elif name in ("logit_scale", "logit_bias"):
            tensors[name] = tensor.reshape(())
        else:
            tensors[name] = tensor
    return tensors
