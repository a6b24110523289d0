"""ResNets with torchvision's names: sizes, weights from files and URLs, and what is said where there are none."""

import re

import pytest
import torch
from torch import nn

from genrelab.config import compose
from genrelab.config.schema import model_options
from genrelab.models import DeepResNet
from genrelab.models.pretrained import IMAGENET, URL, read_weights
from genrelab.models.registry import MODELS
from genrelab.utils.errors import ConfigError

# torchvision's parameters with 3 channels and 1000 classes.
SIZES = {18: 11_689_512, 34: 21_797_672, 50: 25_557_032, 101: 44_549_160, 152: 60_192_808}


def built(option, *shapes, n_classes=10, **changes):
    kind, params, _ = model_options(compose([f"model={option}"]))
    return MODELS.build(kind, params | changes, in_shapes=list(shapes), n_classes=n_classes)


def size(net):
    return sum(parameter.numel() for parameter in net.parameters())


@pytest.mark.parametrize("depth", SIZES)
def test_as_large_as_torchvisions(depth):
    with torch.device("meta"):
        net = DeepResNet([(224, 224)] * 3, 1000, depth)
    assert size(net) == SIZES[depth]


def test_names_are_torchvisions():
    with torch.device("meta"):
        shapes = {name: tuple(weight.shape) for name, weight in DeepResNet([(64, 64)] * 3, 1000).state_dict().items()}
    assert len(shapes) == 320  # of resnet50
    assert shapes["conv1.weight"] == (64, 3, 7, 7)
    assert shapes["layer1.0.downsample.0.weight"] == (256, 64, 1, 1)
    assert shapes["layer4.2.conv3.weight"] == (2048, 512, 1, 1)
    assert shapes["layer3.5.bn3.running_var"] == (1024,)
    assert shapes["fc.weight"] == (1000, 2048)


def test_narrow_resnet18_as_published():
    net = built("resnet18_narrow", *[(224, 294)] * 3).eval()  # E07
    assert [layer.out_features for layer in net.fc if isinstance(layer, nn.Linear)] == [512, 10]
    assert net.fc[0].in_features == 1024  # 256 maps of 1x4 places
    assert [net.get_submodule(f"layer{n}")[0].conv1.out_channels for n in (1, 2, 3, 4)] == [32, 64, 128, 256]
    drops = [module.p for module in net.modules() if isinstance(module, nn.Dropout2d)]
    assert drops == [0.3] * 8
    with torch.no_grad():
        assert net(*(torch.randn(1, 224, 294) for _ in range(3))).shape == (1, 10)


@pytest.mark.parametrize("shape", [(1, 1), (12, 256), (33, 65), (128, 256)])
@pytest.mark.parametrize(("depth", "window"), [(18, 0), (18, 7), (50, 2)])
def test_logits_of_any_pictures(shape, depth, window):
    net = DeepResNet([shape], 5, depth, width=2, window=window, hidden=[6]).eval()
    assert net(torch.randn(1, *shape)).shape == (1, 5)


@pytest.fixture
def file(tmp_path):
    """Weights of another resnet18, three channels and 7 classes, as torchvision stores them."""
    torch.manual_seed(1)
    path = tmp_path / "resnet18.pth"
    torch.save(DeepResNet([(64, 64)] * 3, 7, 18).state_dict(), path)
    return path


@pytest.mark.parametrize("form", ["{}", "file://{}"])
def test_weights_from_a_file_and_a_url(file, form, tmp_path, monkeypatch):
    monkeypatch.setattr(torch.hub, "_hub_dir", str(tmp_path / "hub"))
    given = torch.load(file, weights_only=True)
    net = DeepResNet([(64, 64)] * 3, 10, 18, weights=form.format(file))
    for name, value in net.state_dict().items():
        if not name.startswith("fc."):
            assert torch.equal(value, given[name]), name
    assert net.fc.out_features == 10


def test_one_gray_picture_is_a_color_picture_of_gray(file):
    gray = DeepResNet([(64, 64)], 10, 18, weights=str(file)).eval()
    color = DeepResNet([(64, 64)] * 3, 10, 18, weights=str(file)).eval()
    color.fc.load_state_dict(gray.fc.state_dict())
    picture = torch.randn(2, 64, 64)
    with torch.no_grad():
        torch.testing.assert_close(gray(picture), color(picture, picture, picture), rtol=1e-4, atol=1e-4)


def test_imagenet_is_fetched_from_torchvisions_address(monkeypatch, file):
    asked = []

    def fetch(url, **options):
        asked.append((url, options["check_hash"], options["weights_only"]))
        return torch.load(file, weights_only=True)

    monkeypatch.setattr(torch.hub, "load_state_dict_from_url", fetch)
    DeepResNet([(64, 64)], 3, 18, weights="imagenet")
    assert asked == [(URL + IMAGENET[18], True, True)]


def test_no_network_is_told_with_the_remedy(monkeypatch):
    def fail(url, **options):
        raise OSError("no route to host")

    monkeypatch.setattr(torch.hub, "load_state_dict_from_url", fail)
    with pytest.raises(ConfigError) as caught:
        read_weights("imagenet", 50)
    [problem] = caught.value.problems
    assert re.match(rf"model\.weights: .*{re.escape(URL + IMAGENET[50])} \(no route to host\)", problem)
    assert "model.weights=/path/to/resnet50-11ad3fa6.pth" in problem and "model.weights=null" in problem


def test_weights_wait_until_there_is_memory():
    with torch.device("meta"):
        assert built("resnet50", (64, 64)).conv1.weight.is_meta  # nothing is fetched


def test_files_that_do_not_fit(file, tmp_path):
    def line(path, depth=18, **params):
        with pytest.raises(ConfigError) as caught:
            DeepResNet([(64, 64)], 3, depth, weights=str(path), **params)
        assert len(caught.value.problems) == 1
        return caught.value.problems[0]

    assert re.search("none.pth: .*model.weights=/path/to/resnet18", line(tmp_path / "none.pth"))
    assert re.search(r"\(layer1\.2\.bn1\.bias ", line(file, 34))
    assert re.search(r"model\.width: 32, .*model\.weights .*\b64\b", line(file, width=32))
    (tmp_path / "cut.pth").write_bytes(file.read_bytes()[:1000])
    assert "damaged" in line(tmp_path / "cut.pth")
    (tmp_path / "empty.pth").write_bytes(b"")
    assert "damaged" in line(tmp_path / "empty.pth")
    torch.save([1, 2], tmp_path / "list.pth")
    assert "list.pth: " in line(tmp_path / "list.pth")
    torch.save({"a": nn.Linear(1, 1)}, tmp_path / "code.pth")
    assert "code.pth: " in line(tmp_path / "code.pth")


def test_numbers_that_do_not_fit():
    with pytest.raises(ConfigError) as caught:
        DeepResNet([(64, 64)], 3, width=0, window=-1, hidden=[0], block_dropout=1.0)
    assert len(caught.value.problems) == 4
    with pytest.raises(ConfigError, match=r"model\.depth: 20 .*18, 34, 50, 101, 152"):
        MODELS.build("resnet", {"depth": 20}, in_shapes=[(64, 64)], n_classes=3)
    with pytest.raises(ConfigError, match=r"\b1 or 3 .*\b2\b"):
        DeepResNet([(64, 64)] * 2, 3, weights="imagenet")
