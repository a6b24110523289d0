"""`graph=weighted`: what the loss sees changes, what scores are measured by does not."""

import numpy as np
import pytest
import torch

from genrelab.config import compose
from genrelab.engine.build import loss_distances
from genrelab.engine.trainees import true_share_warning
from genrelab.engine.validate_config import check
from genrelab.losses.registry import LOSSES
from genrelab.taxonomy.readers import musicmap
from genrelab.utils.errors import ConfigError


def test_other_lengths_at_the_same_mean_distance():
    taxonomy = musicmap().subset(["jaz03", "jaz06", "jam02", "met01", "hcp01"])
    own = taxonomy.distances()
    weights = {"primary": 2.0, "secondary": 2.0, "supergenre": 1.5}
    kept = loss_distances({"graph": {"weights": weights, "keep_scale": True}}, taxonomy)
    published = loss_distances({"graph": {"weights": weights, "keep_scale": False}}, taxonomy)
    pairs = own > 0
    assert not np.allclose(kept, own)
    assert kept[pairs].mean() == pytest.approx(own[pairs].mean(), rel=1e-6)
    assert kept[pairs] / published[pairs] == pytest.approx(kept[0, 1] / published[0, 1])
    np.testing.assert_array_equal(taxonomy.distances(), own)
    np.testing.assert_array_equal(loss_distances({"graph": {"weights": None, "keep_scale": True}}, taxonomy), own)
    doubled = {name: 2 * getattr(taxonomy.weights, name) for name in ("primary", "secondary", "backlash")}
    doubled |= {name: 2 * getattr(taxonomy.weights, name) for name in ("supergenre", "cluster")}
    np.testing.assert_allclose(loss_distances({"graph": {"weights": doubled, "keep_scale": True}}, taxonomy), own)


def test_lengths_are_judged_before_data_is_touched():
    with pytest.raises(ConfigError, match=r"graph\.weights\.primary: -1\.0 .*\b0\b"):
        check(compose(["graph=weighted", "graph.weights.primary=-1.0"]))


@pytest.mark.parametrize(
    ("classes", "loss", "params", "share"),
    [
        (10, "graph_soft", {"beta": 1.5}, "0.33"),
        (30, "graph_soft", {"beta": 1.5}, "0.13"),
        (5, "graph_soft", {"beta": 1.5}, None),
        (10, "graph_soft", {"beta": 3.0}, None),
        (10, "graph_soft", {"scale": "true_mass", "mass": 0.3}, None),
        (30, "cross_entropy", {}, None),
    ],
)
def test_soft_targets_that_leave_too_little_to_the_true_genre_are_warned_about(classes, loss, params, share):
    made = LOSSES.build(loss, params, distances=1 - torch.eye(classes))
    text = true_share_warning(made)
    if share is None:
        assert text == ""
    else:
        assert all(part in text for part in (share, "beta 1.5", "loss=cross_entropy"))
