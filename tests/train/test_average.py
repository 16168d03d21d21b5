import torch

from sightline.model import CLIP
from sightline.train.average import update_average
from tiny_training import training_spec


def pair() -> tuple[CLIP, CLIP]:
    return CLIP(training_spec()), CLIP(training_spec())


def test_the_average_moves_by_one_minus_the_decay() -> None:
    average, model = pair()
    before = {name: tensor.clone() for name, tensor in average.state_dict().items()}
    update_average(average, model, 0.9, updates=10_000)
    for name, tensor in average.state_dict().items():
        if tensor.is_floating_point():
            wanted = 0.9 * before[name] + 0.1 * model.state_dict()[name]
            assert torch.allclose(tensor, wanted, atol=1e-6), name


def test_early_on_it_follows_closely() -> None:
    average, model = pair()
    before = average.logit_scale.detach().clone()
    with torch.no_grad():
        model.logit_scale.add_(1.0)
    update_average(average, model, 0.999, updates=0)
    assert torch.allclose(average.logit_scale, before + 0.9)


def test_counters_are_copied() -> None:
    average, model = pair()
    counters = [n for n, t in model.state_dict().items() if not t.is_floating_point()]
    assert counters  # the image tower has batch norms
    for name in counters:
        model.state_dict()[name].fill_(7)
    update_average(average, model, 0.9, updates=0)
    assert all(int(average.state_dict()[name]) == 7 for name in counters)
