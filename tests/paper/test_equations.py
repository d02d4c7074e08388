"""Each equation against its formula, computed by hand."""

import itertools
import math

import pytest
import torch

from diat.networks import AttributeDiscriminator, DenoisingNetwork, GlobalEnhancer, TransformNetwork, gaussian_blur
from diat.training import losses
from diat.training.vgg_face import load_features


def sigmoid(value: float) -> float:
    return 1 / (1 + math.exp(-value))


def test_feature_loss_is_the_formula_of_eq_1():
    a, b = torch.randn(3, 4, 5, 6), torch.randn(3, 4, 5, 6)
    by_hand = torch.stack([(a[n] - b[n]).norm() ** 2 / (2 * 4 * 5 * 6) for n in range(3)]).mean()
    torch.testing.assert_close(losses.feature_loss(a, b), by_hand)


def test_feature_loss_refuses_maps_of_different_shape():
    with pytest.raises(ValueError, match="differ in shape"):
        losses.feature_loss(torch.zeros(1, 4, 5, 6), torch.zeros(1, 4, 6, 5))


def test_identity_loss_of_eq_2_sums_the_weighted_4th_and_5th_layers():
    transformed = {layer: torch.randn(2, 3, 4, 4) for layer in range(1, 7)}
    source = {layer: torch.randn(2, 3, 4, 4) for layer in range(1, 7)}
    terms = {layer: losses.feature_loss(transformed[layer], source[layer]) for layer in (4, 5)}
    torch.testing.assert_close(losses.identity_loss(transformed, source), terms[4] + terms[5])
    weighted = losses.identity_loss(transformed, source, {4: 0.25, 5: 2.0})
    torch.testing.assert_close(weighted, 0.25 * terms[4] + 2 * terms[5])


def test_attribute_loss_of_eq_3():
    guided, transformed = [0.3, -1.2], [2.0, 0.1]
    for_d = -sum(math.log(sigmoid(v)) for v in guided) / 2 - sum(math.log(1 - sigmoid(v)) for v in transformed) / 2
    for_t = -sum(math.log(sigmoid(v)) for v in transformed) / 2
    a, t = torch.tensor(guided), torch.tensor(transformed)
    assert losses.attribute_loss_discriminator(a, t).item() == pytest.approx(for_d, rel=1e-5)
    assert losses.attribute_loss_transform(t).item() == pytest.approx(for_t, rel=1e-5)


def test_attribute_loss_stays_finite_where_a_logarithm_of_a_sigmoid_would_not():
    extreme = torch.tensor([-200.0, 200.0])
    assert torch.isfinite(losses.attribute_loss_discriminator(extreme, extreme))
    assert torch.isfinite(losses.attribute_loss_transform(extreme))


def test_reconstruction_loss_of_eq_8_sums_over_an_image_and_averages_over_the_batch():
    x, t = torch.randn(3, 3, 8, 8), torch.randn(3, 3, 8, 8)
    by_hand = sum(((x[n] - t[n]) ** 2).sum() for n in range(3)) / 3
    torch.testing.assert_close(losses.reconstruction_loss(x, t), by_hand)


def test_pretraining_loss_of_eq_9_is_the_squared_error_of_the_sigmoid():
    logits, labels = torch.tensor([0.5, -2.0, 3.0]), torch.tensor([1, 0, 0])
    by_hand = sum((y - sigmoid(v)) ** 2 for v, y in zip(logits.tolist(), labels.tolist(), strict=True)) / 3
    assert losses.discriminator_pretraining_loss(logits, labels).item() == pytest.approx(by_hand, rel=1e-5)


def test_adaptive_identity_loss_of_eq_12_and_13_is_on_ds_32_and_16_pixel_features():
    d = AttributeDiscriminator()
    x, t = torch.rand(2, 3, 128, 128) * 2 - 1, torch.rand(2, 3, 128, 128) * 2 - 1
    _, of_x = d(x)
    _, of_t = d(t)
    assert of_x[4].shape[1:] == (64, 32, 32)
    assert of_x[5].shape[1:] == (128, 16, 16)
    by_hand = sum(((of_t[layer] - of_x[layer]) ** 2).sum() / (2 * of_x[layer][0].numel() * 2) for layer in (4, 5))
    torch.testing.assert_close(losses.identity_loss(of_t, of_x), by_hand, rtol=1e-4, atol=1e-7)


def test_scaled_identity_loss_does_not_depend_on_the_scale_of_the_features():
    transformed = {layer: torch.randn(2, 3, 4, 4) for layer in (4, 5)}
    source = {layer: torch.randn(2, 3, 4, 4) for layer in (4, 5)}
    small = losses.scaled_identity_loss(*({k: v * 1e-2 for k, v in f.items()} for f in (transformed, source)))
    torch.testing.assert_close(small, losses.scaled_identity_loss(transformed, source))


def test_three_group_loss_counts_transformed_and_untransformed_half_each():
    guided, transformed, source = torch.tensor([1.0]), torch.tensor([0.4]), torch.tensor([-0.6])
    by_hand = -math.log(sigmoid(1.0)) - (math.log(1 - sigmoid(0.4)) + math.log(1 - sigmoid(-0.6))) / 2
    assert losses.three_group_loss(guided, transformed, source).item() == pytest.approx(by_hand, rel=1e-5)


def test_gradient_penalty_is_the_squared_norm_of_a_linear_ds_weights():
    weights = torch.randn(3, 4, 4)
    penalty = losses.gradient_penalty(lambda images: (images * weights).flatten(1).sum(1), torch.randn(5, 3, 4, 4))
    torch.testing.assert_close(penalty, weights.square().sum())


def test_eq_4_is_the_identity_loss_between_g_and_its_input_on_vgg_features():
    features, g = load_features(), TransformNetwork().eval()
    x = torch.rand(2, 3, 64, 64) * 2 - 1
    of_g, of_x = features(g(x)), features(x)
    by_hand = 0
    for layer, shape in ((4, (128, 32, 32)), (5, (256, 16, 16))):
        assert of_x[layer].shape[1:] == shape
        size = shape[0] * shape[1] * shape[2]
        by_hand += sum(((of_g[layer][n] - of_x[layer][n]) ** 2).sum() / (2 * size) for n in range(2)) / 2
    torch.testing.assert_close(losses.identity_loss(of_g, of_x), by_hand)


def test_denoiser_loss_of_eq_5_counts_the_denoised_and_the_clear_image():
    x, of_g, of_x = (torch.randn(2, 3, 8, 8) for _ in range(3))
    by_hand = sum(((of_g[n] - x[n]) ** 2).sum() + ((of_x[n] - x[n]) ** 2).sum() for n in range(2)) / 2
    torch.testing.assert_close(losses.denoiser_loss(of_g, of_x, x), by_hand)


def test_perceptual_regularization_of_eq_6_teaches_t_and_not_f():
    f, t = DenoisingNetwork().requires_grad_(False), torch.randn(2, 3, 8, 8, requires_grad=True)
    loss = losses.perceptual_regularization(f(t), t)
    torch.testing.assert_close(loss, sum(((f(t)[n] - t[n]) ** 2).sum() for n in range(2)) / 2)
    loss.backward()
    assert t.grad is not None
    assert t.grad.abs().sum() > 0
    assert all(parameter.grad is None for parameter in f.parameters())


def test_local_enhancement_loss_of_eq_10():
    enhanced, source, transformed = (torch.rand(2, 3, 16, 16) * 2 - 1 for _ in range(3))
    mask = torch.zeros(2, 1, 16, 16)
    mask[:, :, 4:9, 5:12] = 1
    features = load_features()
    of_e, of_t = features(mask * enhanced), features(mask * transformed)
    outside = [p for p in itertools.product(range(2), range(3), range(16), range(16)) if not mask[p[0], 0, p[2], p[3]]]
    by_hand = sum((enhanced[p] - source[p]) ** 2 for p in outside) / len(outside)
    for layer, beta in enumerate((0.1, 0.5, 1.0)):
        by_hand = by_hand + beta * ((of_e[layer] - of_t[layer]) ** 2).sum() / (2 * 2 * of_e[layer][0].numel())
    loss = losses.local_enhancement_loss(enhanced, source, mask, of_e, of_t)
    torch.testing.assert_close(loss, by_hand, rtol=1e-4, atol=1e-6)
    assert torch.equal(of_e[0], mask * enhanced)  # phi_0(x) = x


def test_global_enhancement_loss_of_eq_11_is_on_the_blurred_image():
    e = GlobalEnhancer().eval()
    x = torch.rand(2, 3, 32, 32) * 2 - 1
    blurred = TransformNetwork.forward(e, gaussian_blur(x))
    torch.testing.assert_close(e(x), blurred)
    by_hand = sum(((blurred[n] - x[n]) ** 2).sum() for n in range(2)) / 2
    torch.testing.assert_close(losses.global_enhancement_loss(e(x), x), by_hand)


def test_the_blur_is_the_gaussian_of_1_8_pixels():
    point = torch.zeros(1, 3, 21, 21)
    point[:, :, 10, 10] = 1
    places = torch.arange(-5, 6).float()
    kernel = torch.exp(-(places[:, None] ** 2 + places[None] ** 2) / (2 * 1.8**2))
    torch.testing.assert_close(gaussian_blur(point)[0, 1, 5:16, 5:16], kernel / kernel.sum(), rtol=1e-4, atol=1e-7)
    torch.testing.assert_close(gaussian_blur(torch.full((1, 3, 12, 12), 0.4)), torch.full((1, 3, 12, 12), 0.4))
