"""How fresh weights are drawn. Enter at `initialise`; on the meta device it does nothing.

what                                 distribution
query, key, value                    normal, width^-0.5            (CLIP `initialize_parameters`)
attention out, mlp down              normal, width^-0.5 · (2 · layers)^-0.5          (same)
mlp up                               normal, (2 · width)^-0.5                        (same)
token table, text positions          normal, 0.02 and 0.01                           (same)
class token, image positions, probe  normal, width^-0.5                              (same)
projections                          normal, width^-0.5                              (same)
ResNet attention pool                normal, (32 · width)^-0.5                       (same)
patch convolution                    truncated normal, fan_in^-0.5   (big_vision, `lecun_normal`)
3×3 and 1×1 convolutions             normal, (2 / fan_out)^0.5       (He et al., arXiv 1502.01852)
last batch norm beside a skip        weight 0                        (arXiv 1706.02677)
other norms                          weight 1, bias 0
biases                               0
logit scale and bias                 the spec's head
"""

from torch import nn

from sightline.model.blocks import Attention, Block
from sightline.model.resnet import Bottleneck, ImageResNet
from sightline.model.stem import BasicBlock, PatchEmbedding
from sightline.model.text import TextTower
from sightline.model.vit import ImageTransformer


def initialise(image: ImageTransformer | ImageResNet, text: TextTower) -> None:
    """Draw all weights of both towers, by the table above."""
    for tower in (image, text):
        for module in tower.modules():
            _draw_defaults(module)
    _draw_text(text)
    if isinstance(image, ImageTransformer):
        _draw_vit(image)
    else:
        _draw_resnet(image)


def _draw_defaults(module: nn.Module) -> None:
    """Settle convolutions, norms and biases; what towers say of their own comes after."""
    if isinstance(module, nn.Conv2d):
        nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        if module.bias is not None:
            nn.init.zeros_(module.bias)
    elif isinstance(module, nn.Linear) and module.bias is not None:
        nn.init.zeros_(module.bias)
    elif isinstance(module, BasicBlock):
        nn.init.zeros_(module.bn2.weight)
    elif isinstance(module, Bottleneck):
        nn.init.zeros_(module.bn3.weight)


def _draw_attention(attention: Attention, out_std: float) -> None:
    width = attention.query.in_features
    for linear in (attention.query, attention.key, attention.value):
        nn.init.normal_(linear.weight, std=width**-0.5)
    nn.init.normal_(attention.out.weight, std=out_std)


def _draw_blocks(blocks: nn.ModuleList) -> None:
    for block in blocks:
        assert isinstance(block, Block)
        width = block.mlp.up.in_features
        out_std = width**-0.5 * (2 * len(blocks)) ** -0.5
        _draw_attention(block.attention, out_std)
        nn.init.normal_(block.mlp.up.weight, std=(2 * width) ** -0.5)
        nn.init.normal_(block.mlp.down.weight, std=out_std)


def _draw_projection(projection: nn.Module) -> None:
    if isinstance(projection, nn.Linear):
        nn.init.normal_(projection.weight, std=projection.in_features**-0.5)


def _draw_text(text: TextTower) -> None:
    nn.init.normal_(text.tokens.weight, std=0.02)
    nn.init.normal_(text.positions, std=0.01)
    _draw_blocks(text.blocks)
    _draw_projection(text.projection)


def _draw_vit(image: ImageTransformer) -> None:
    width = image.spec.width
    if isinstance(image.stem, PatchEmbedding):
        fan_in = image.stem.conv.weight[0].numel()
        nn.init.trunc_normal_(image.stem.conv.weight, std=fan_in**-0.5)
    for parameter in (image.class_token, image.positions):
        if parameter is not None:
            nn.init.normal_(parameter, std=width**-0.5)
    _draw_blocks(image.blocks)
    if image.pool is not None:
        nn.init.normal_(image.pool.probe, std=width**-0.5)
        _draw_attention(image.pool.attention, width**-0.5)
        nn.init.normal_(image.pool.mlp.up.weight, std=(2 * width) ** -0.5)
        nn.init.normal_(image.pool.mlp.down.weight, std=width**-0.5)
    _draw_projection(image.projection)


def _draw_resnet(image: ImageResNet) -> None:
    width = image.pool.positions.shape[1]
    nn.init.normal_(image.pool.positions, std=width**-0.5)
    _draw_attention(image.pool.attention, width**-0.5)
