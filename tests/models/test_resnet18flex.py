"""ResNet18flex and its dual: published arithmetic, torchvision's names, cheap default stem."""

import re

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from genrelab.models import ResNet, ResNet18Flex, ResNet18FlexDual, stem_strides
from genrelab.models.registry import MODELS
from genrelab.utils.errors import ConfigError

PUBLISHED = {"width": 64, "stem": "published"}
TORCHVISION_RESNET18 = 11_689_512  # parameters, 3 channels, 1000 classes
HEADLESS = TORCHVISION_RESNET18 - 513_000 - 64 * 2 * 49  # without fc, one channel


def size(net):
    return sum(parameter.numel() for parameter in net.parameters())


def gflop(net, *features):
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        net.eval()(*features)
    return counter.get_total_flops() / len(features[0]) / 1e9


@pytest.mark.parametrize("shapes", [[(128, 256)], [(12, 256)], [(32, 31), (65, 100)], [(128, 256), (32, 256), (7, 9)]])
@pytest.mark.parametrize("stem", ["published", "strided_time"])
def test_logits_of_any_pictures(shapes, stem):
    features = [torch.randn(2, *shape) for shape in shapes]
    dual = MODELS.build("resnet18flex_dual", {"width": 4, "stem": stem}, in_shapes=shapes, n_classes=5)
    assert dual(*features).shape == (2, 5)
    single = MODELS.build("resnet18flex", {"width": 4, "stem": stem}, in_shapes=shapes[:1], n_classes=5)
    assert single(features[0]).shape == (2, 5)


def test_parameter_counts_as_published():
    assert size(ResNet18Flex([(128, 256)], 248, **PUBLISHED)) == HEADLESS + 512 * 248 + 248
    dual = ResNet18FlexDual([(128, 256), (32, 256)], 248, **PUBLISHED)  # A22
    assert size(dual) == 2 * HEADLESS + 1024 * 248 + 248
    assert dual.fc.in_features == 1024


def test_names_are_torchvisions():
    names = list(ResNet18Flex([(128, 256)], 3, width=2).state_dict())
    batch_norm = ["weight", "bias", "running_mean", "running_var", "num_batches_tracked"]
    expected = ["conv1.weight", *(f"bn1.{name}" for name in batch_norm)]
    for stage in range(1, 5):
        for block in range(2):
            at = f"layer{stage}.{block}"
            for number in (1, 2):
                expected += [f"{at}.conv{number}.weight", *(f"{at}.bn{number}.{name}" for name in batch_norm)]
            if stage > 1 and block == 0:
                expected += [f"{at}.downsample.0.weight", *(f"{at}.downsample.1.{name}" for name in batch_norm)]
    assert names == [*expected, "fc.weight", "fc.bias"]
    assert set(ResNet18FlexDual([(128, 256)], 3, width=2).state_dict()) == {
        name if name.startswith("fc") else f"backbones.0.{name}" for name in names
    }


def test_deeper_networks_are_the_same_class():
    resnet34 = ResNet(128, (3, 4, 6, 3), 1000)
    assert size(resnet34) == 21_797_672 - 64 * 2 * 49  # torchvision's, with one channel


@pytest.mark.parametrize(
    ("height", "stem", "expected"),
    [
        (12, "published", ((1, 1), False)),
        (32, "published", ((1, 1), False)),
        (33, "published", ((2, 2), False)),
        (64, "published", ((2, 2), False)),
        (65, "published", ((2, 2), True)),
        (128, "published", ((2, 2), True)),
        (32, "strided_time", ((1, 4), False)),
        (64, "strided_time", ((2, 4), False)),
        (128, "strided_time", ((2, 2), True)),
    ],
)
def test_stem_follows_the_height(height, stem, expected):
    assert stem_strides(height, stem, 4) == expected
    net = ResNet18Flex([(height, 64)], 3, width=2, stem=stem)
    assert net.conv1.stride == expected[0]
    assert net.conv1.kernel_size == (7, 7)
    assert isinstance(net.maxpool, torch.nn.MaxPool2d) is expected[1]


def test_default_stem_is_far_cheaper_on_low_pictures():
    low, high = torch.randn(1, 32, 256), torch.randn(1, 128, 256)
    published = gflop(ResNet18Flex([(32, 256)], 12, **PUBLISHED), low)
    assert published == pytest.approx(8.9, abs=0.05)
    assert gflop(ResNet18FlexDual([(128, 256), (32, 256)], 12, **PUBLISHED), high, low) == pytest.approx(11.2, abs=0.05)
    assert published / gflop(ResNet18Flex([(32, 256)], 12, width=64), low) > 3.9
    assert published / gflop(ResNet18Flex([(32, 256)], 12, width=64, time_stride=2), low) > 1.9


def test_rows_of_a_low_picture_are_kept_until_the_second_stage():
    seen = {}
    net = ResNet18Flex([(32, 256)], 3, width=2)
    net.layer1.register_forward_hook(lambda module, given, maps: seen.update(shape=tuple(maps.shape)))
    net(torch.randn(1, 32, 256))
    assert seen["shape"] == (1, 2, 32, 64)


def test_one_sample_in_eval_equals_its_row_in_a_batch():
    net = ResNet18FlexDual([(40, 50), (20, 30)], 4, width=4).eval()
    features = [torch.randn(3, 40, 50), torch.randn(3, 20, 30)]
    with torch.no_grad():
        alone = net(*(feature[1:2] for feature in features))
        torch.testing.assert_close(alone, net(*features)[1:2], rtol=1e-4, atol=1e-5)


def test_every_parameter_and_input_gets_a_gradient():
    net = ResNet18FlexDual([(40, 50), (20, 30)], 4, width=4)
    features = [torch.randn(3, 40, 50, requires_grad=True), torch.randn(3, 20, 30, requires_grad=True)]
    net(*features).square().sum().backward()
    for tensor in [*features, *net.parameters()]:
        assert tensor.grad is not None
        assert tensor.grad.abs().sum() > 0


def test_weights_come_from_torchs_generator_alone():
    def make():
        torch.manual_seed(3)
        return ResNet18FlexDual([(40, 50), (20, 30)], 4, width=4).state_dict()

    first, second = make(), make()
    assert all(torch.equal(first[name], second[name]) for name in first)
    spread = first["backbones.0.layer4.1.conv2.weight"].std().item()
    assert spread == pytest.approx((2 / (32 * 9)) ** 0.5, rel=0.05)  # He et al., fan out


def test_dropout_acts_in_training_alone():
    net = ResNet18Flex([(16, 16)], 2, width=2, dropout=0.5).eval()
    pictures = torch.randn(4, 16, 16)
    assert torch.equal(net(pictures), net(pictures))
    net.dropout.train()
    assert not torch.equal(net(pictures), net(pictures))


def test_inputs_that_do_not_fit():
    assert ResNet18Flex.check_inputs([(128, 256)]) == []
    [problem] = ResNet18Flex.check_inputs([(128, 256), (32, 256)])
    assert re.search(r"'resnet18flex' .*\b1 feature.*\b2 \(128x256 .*32x256 .*model=resnet18flex_dual", problem)
    [problem] = ResNet18Flex.check_inputs([(57,)])
    assert re.search(r"'resnet18flex' .*feature 1 .*\b57\b.*model=mlp", problem)
    assert ResNet18FlexDual.check_inputs([(128, 256), (32, 256), (12, 256)]) == []
    assert len(ResNet18FlexDual.check_inputs([(57,), (32, 256), (20,)])) == 2
    assert len(ResNet18FlexDual.check_inputs([])) == 1
    with pytest.raises(ConfigError, match="model=resnet18flex_dual"):
        MODELS.build("resnet18flex", {}, in_shapes=[(128, 256), (32, 256)], n_classes=4)


def test_parameters_out_of_range():
    with pytest.raises(ConfigError) as caught:
        ResNet18FlexDual([(32, 256)], 4, width=0, time_stride=0, dropout=1.0)
    named = [problem.split()[:2] for problem in caught.value.problems]
    assert named == [["model.width:", "0"], ["model.time_stride:", "0"], ["model.dropout:", "1.0"]]
    with pytest.raises(ConfigError, match=r"model\.stem: 'strided' .*'strided_time', 'published'"):
        MODELS.build("resnet18flex", {"stem": "strided"}, in_shapes=[(32, 256)], n_classes=4)
