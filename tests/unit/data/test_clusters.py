import numpy as np
import pytest

from diat.align import CELEBA_TEMPLATE_128
from diat.data import clusters
from diat.faces import yaw


def test_there_are_62_clusters_and_14_are_dropped_each_with_a_reason():
    assert clusters.centroids().shape == (62, 5, 2)
    assert len(clusters.dropped()) == 14
    assert all(len(reason) > 15 for reason in clusters.dropped().values())


def test_the_dropped_are_the_most_turned():
    turned = [yaw(centre) for centre in clusters.centroids()]
    dropped = [turned[number] for number in clusters.dropped()]
    assert min(dropped) > max(angle for number, angle in enumerate(turned) if number not in clusters.dropped()) - 1


def test_a_centroid_is_nearest_to_itself_at_any_size():
    for size in (64, 128):
        centres = (clusters.centroids() + 0.5) * (size / 128) - 0.5
        assert clusters.assign(centres, size).tolist() == list(range(62))


def test_a_frontal_face_is_kept_a_profile_and_a_missing_face_are_not():
    profile = clusters.centroids()[1]
    points = np.stack([CELEBA_TEMPLATE_128, profile, np.full((5, 2), np.nan, np.float32)])
    assigned = clusters.assign(points, 128)
    assert assigned[2] == clusters.NO_FACE
    assert clusters.kept(assigned).tolist() == [True, False, False]


def test_the_sheets_are_written(tiny_pack, tmp_path):
    from scripts import run_script

    done = run_script("train/cluster.py", "--pack", tiny_pack, "--output", tmp_path)
    assert len(done.stdout.splitlines()) == 62
    assert list(tmp_path.glob("*.png"))


@pytest.mark.parametrize("subset", ["frontal", "clusters"])
def test_the_subset_decides_who_trains(tiny_pack, subset):
    from diat.data.pack import open_pack
    from diat.data.sets import usable

    assert usable(open_pack(tiny_pack), subset).mean() > 0.9
