import numpy as np
import pytest
from scripts import run_script

from diat.align import CELEBA_TEMPLATE_128, rescaled
from diat.data.clusters import COUNT, NO_FACE, read_clusters, shipped_clusters
from diat.errors import TrainingStopped
from diat.faces import yaw


def test_there_are_62_clusters_and_14_are_dropped_each_with_a_reason():
    assert shipped_clusters().centroids.shape == (62, 5, 2)
    assert len(shipped_clusters().dropped) == 14
    assert all(len(reason) > 15 for reason in shipped_clusters().dropped.values())


def test_the_dropped_are_the_most_turned():
    turned = [yaw(centre) for centre in shipped_clusters().centroids]
    dropped = [turned[number] for number in shipped_clusters().dropped]
    assert (
        min(dropped) > max(angle for number, angle in enumerate(turned) if number not in shipped_clusters().dropped) - 1
    )


def test_a_centroid_is_nearest_to_itself_at_any_size():
    for size in (64, 128):
        centres = rescaled(shipped_clusters().centroids, 128, size)
        assert shipped_clusters().assign(centres, size).tolist() == list(range(62))


def test_a_frontal_face_is_kept_a_profile_and_a_missing_face_are_not():
    profile = shipped_clusters().centroids[1]
    points = np.stack([CELEBA_TEMPLATE_128, profile, np.full((5, 2), np.nan, np.float32)])
    assigned = shipped_clusters().assign(points, 128)
    assert assigned[2] == NO_FACE
    assert shipped_clusters().kept(assigned).tolist() == [True, False, False]


def test_the_sheets_are_written(tiny_pack, tmp_path):
    done = run_script("train/cluster.py", "--pack", tiny_pack, "--output", tmp_path)
    assert len(done.stdout.splitlines()) == 62
    assert list(tmp_path.glob("*.png"))


def test_clusters_that_were_fitted_anew_are_shown_and_the_shipped_ones_stay(tiny_pack, tmp_path):
    before = shipped_clusters().centroids.copy()
    done = run_script("train/cluster.py", "--pack", tiny_pack, "--output", tmp_path, "--fit")
    fitted = read_clusters(tmp_path / "clusters.json")
    assert fitted.centroids.shape == (COUNT, 5, 2)
    assert not fitted.dropped
    assert "dropped" not in "".join(done.stdout.splitlines()[1:])
    np.testing.assert_array_equal(read_clusters().centroids, before)


@pytest.mark.parametrize("text", ["", "[]", '{"centroids": [[0]], "dropped": {}}'])
def test_a_file_without_clusters_is_refused(tmp_path, text):
    (tmp_path / "clusters.json").write_text(text)
    with pytest.raises(TrainingStopped, match="clusters.json holds"):
        read_clusters(tmp_path / "clusters.json")


@pytest.mark.parametrize("subset", ["frontal", "clusters"])
def test_the_subset_decides_who_trains(tiny_pack, subset):
    from diat.data.pack import open_pack
    from diat.data.sets import usable

    assert usable(open_pack(tiny_pack), subset).mean() > 0.9
