"""Tables 1 and 2 and the networks' sizes, layer by layer."""

import pytest
import torch
from torch import nn

from diat.networks import AttributeDiscriminator, DenoisingNetwork, GlobalEnhancer, LocalEnhancer, TransformNetwork
from diat.training.vgg_face import VggFeatures, load_features

TABLE_1 = [
    ("conv1", (32, 128, 128)),
    ("conv2", (64, 64, 64)),
    ("conv3", (128, 32, 32)),
    ("blocks.0", (128, 32, 32)),
    ("blocks.1", (128, 32, 32)),
    ("blocks.2", (128, 32, 32)),
    ("blocks.3", (128, 32, 32)),
    ("deconv1", (64, 64, 64)),
    ("deconv2", (32, 127, 127)),
    ("deconv3", (3, 128, 128)),
]
TABLE_2 = [
    ("convs.0", (32, 64, 64)),
    ("convs.1", (32, 64, 64)),
    ("convs.2", (64, 32, 32)),
    ("convs.3", (64, 32, 32)),
    ("convs.4", (128, 16, 16)),
    ("convs.5", (128, 8, 8)),
    ("fc1", (1000,)),
    ("fc2", (1,)),
]


def activation_sizes(network: nn.Module, names: list[str]) -> dict[str, tuple[int, ...]]:
    sizes: dict[str, tuple[int, ...]] = {}
    modules = dict(network.named_modules())
    for name in names:
        modules[name].register_forward_hook(lambda _, __, out, name=name: sizes.update({name: tuple(out.shape[1:])}))
    network.eval()(torch.zeros(1, 3, 128, 128))
    return sizes


def test_activation_sizes_of_table_1():
    sizes = activation_sizes(TransformNetwork(), [name for name, _ in TABLE_1])
    assert sizes == dict(TABLE_1)


def test_activation_sizes_of_table_2():
    sizes = activation_sizes(AttributeDiscriminator(), [name for name, _ in TABLE_2])
    assert sizes == dict(TABLE_2)


@pytest.mark.parametrize(
    ("layer", "kernel", "stride", "padding"),
    [
        ("conv1", 9, 1, 4),
        ("conv2", 3, 2, 1),
        ("conv3", 3, 2, 1),
        ("deconv1", 3, 2, 1),
        ("deconv2", 3, 2, 1),
        ("deconv3", 10, 1, 4),
    ],
)
def test_kernels_of_table_1(layer, kernel, stride, padding):
    conv = getattr(TransformNetwork(), layer)
    assert (conv.kernel_size[0], conv.stride[0], conv.padding[0]) == (kernel, stride, padding)


def test_kernels_of_table_2():
    found = [(c.kernel_size[0], c.padding[0], c.stride[0], c.out_channels) for c in AttributeDiscriminator().convs]
    assert found == [(8, 3, 2, 32), (3, 1, 1, 32), (4, 1, 2, 64), (3, 1, 1, 64), (4, 1, 2, 128), (4, 1, 2, 128)]


def test_t_has_16_layers_and_1_68_million_parameters():
    network = TransformNetwork()
    layers = [m for m in network.modules() if isinstance(m, (nn.Conv2d, nn.ConvTranspose2d))]
    assert len(layers) == 16
    assert sum(p.numel() for p in network.parameters()) == pytest.approx(1.68e6, rel=0.005)


def test_d_has_8_67_million_parameters_and_no_norm():
    network = AttributeDiscriminator()
    assert sum(p.numel() for p in network.parameters()) == pytest.approx(8.67e6, rel=0.005)
    assert not any(isinstance(m, (nn.BatchNorm2d, nn.InstanceNorm2d, nn.GroupNorm)) for m in network.modules())


def test_d_numbers_its_features_as_the_paper_numbers_layers():
    logits, features = AttributeDiscriminator().eval()(torch.zeros(2, 3, 128, 128))
    assert logits.shape == (2,)
    assert [tuple(features[number].shape[1:]) for number in range(1, 7)] == [size for _, size in TABLE_2[:6]]


def test_t_stays_in_range_and_the_residual_t_starts_as_the_identity():
    x = torch.rand(2, 3, 128, 128) * 2 - 1
    assert TransformNetwork()(x).abs().max() <= 1
    torch.testing.assert_close(TransformNetwork(residual=True)(x), x)


def test_t_does_not_use_batch_statistics_at_inference():
    network = TransformNetwork().eval()
    x = torch.rand(4, 3, 64, 64) * 2 - 1
    torch.testing.assert_close(network(x)[:1], network(x[:1]), rtol=1e-4, atol=1e-5)


def test_the_enhancement_and_denoising_networks():
    convs = [m for m in LocalEnhancer().modules() if isinstance(m, nn.Conv2d)]
    assert [(c.in_channels, c.out_channels, c.kernel_size[0]) for c in convs] == [
        (6, 64, 3),
        (64, 64, 3),
        (64, 64, 3),
        (64, 3, 3),
    ]
    x, t = torch.rand(2, 2, 3, 32, 32) * 2 - 1
    torch.testing.assert_close(LocalEnhancer()(x, t), t)  # it starts as T(x) itself
    f = [m for m in DenoisingNetwork().modules() if isinstance(m, nn.Conv2d)]
    assert [(c.in_channels, c.out_channels, c.kernel_size[0]) for c in f] == [(3, 64, 3), (64, 3, 3)]
    assert {k: v.shape for k, v in GlobalEnhancer().state_dict().items()} == {
        k: v.shape for k, v in TransformNetwork().state_dict().items()
    }


def test_the_first_five_convolutions_of_vgg():
    features = load_features()(torch.zeros(1, 3, 128, 128))
    assert [tuple(features[layer].shape[1:]) for layer in range(1, 6)] == [
        (64, 128, 128),
        (64, 128, 128),
        (128, 64, 64),
        (128, 64, 64),
        (256, 32, 32),
    ]
    assert all((features[layer] >= 0).all() for layer in range(1, 6))
    assert sum(p.numel() for p in load_features().parameters()) == 555_328
    assert not any(p.requires_grad for p in load_features().parameters())


def test_vgg_face_is_normalised_as_it_was_trained():
    x = torch.zeros(1, 3, 16, 16)  # grey 127.5
    features = VggFeatures()
    seen = []
    features.conv1_1.register_forward_hook(lambda _, inputs, __: seen.append(inputs[0]))
    features(x)
    expected = [127.5 - mean for mean in (129.1863, 104.7624, 93.5940)]
    torch.testing.assert_close(seen[0][0, :, 3, 3], torch.tensor(expected))


def test_edges_excite_the_features_that_flat_grey_does_not():
    features = load_features()
    flat, edge = torch.zeros(1, 3, 32, 32), torch.zeros(1, 3, 32, 32)
    edge[..., 16:] = 1
    assert features(edge)[4][..., 7:9].mean() > 2 * features(flat)[4][..., 7:9].mean()
