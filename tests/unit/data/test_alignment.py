import cv2
import numpy as np

from diat.align import CELEBA_TEMPLATE_128, rescaled
from diat.data.alignment import aligned
from diat.data.celeba import IMAGE_HEIGHT, IMAGE_WIDTH, centre_crop


def test_a_photograph_of_any_size_is_warped_to_the_template(collins, detector):
    turned = cv2.warpAffine(
        collins, cv2.getRotationMatrix2D((256, 200), 20, 1.0), (700, 650), borderMode=cv2.BORDER_REFLECT
    )
    crop, five, many = aligned(np.asarray(turned, np.uint8), detector, 256)
    assert crop.shape == (256, 256, 3)
    assert many.shape == (68, 2)
    assert np.abs(five - rescaled(CELEBA_TEMPLATE_128, 128, 256)).max() < 16  # a similarity fits five points nearly
    assert abs(five[0, 1] - five[1, 1]) < 4  # upright again


def test_an_image_of_celebas_size_is_cut_as_published(collins, detector):
    image = np.asarray(cv2.resize(collins, (IMAGE_WIDTH, IMAGE_HEIGHT), interpolation=cv2.INTER_AREA), np.uint8)
    crop, _, _ = aligned(image, detector, 128)
    np.testing.assert_array_equal(crop, centre_crop(image, 128))


def test_a_photograph_without_a_face_has_no_landmarks(detector):
    crop, five, many = aligned(np.full((300, 400, 3), 90, np.uint8), detector, 192)
    assert crop.shape == (192, 192, 3)
    assert np.isnan(five).all()
    assert np.isnan(many).all()
