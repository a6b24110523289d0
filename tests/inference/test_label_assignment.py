"""What is said of probabilities."""

import re

import numpy as np

from genrelab.inference.label_assignment import SingleLabelAssigner
from genrelab.postprocessing import Hedge
from genrelab.taxonomy.hierarchy import cluster_index, supergenre_index
from genrelab.taxonomy.registry import TAXONOMIES


def titles(taxonomy) -> set[str]:
    hedge = Hedge(supergenre_index(taxonomy), cluster_index(taxonomy))
    return {title for _, title in SingleLabelAssigner(taxonomy, hedge).levels[2][1]}


def test_a_cluster_is_told_by_the_supergenres_that_the_run_has():
    musicmap = TAXONOMIES.build("musicmap", {}, genres=())
    few = musicmap.subset(["blu03", "jam02", "jaz06", "met06", "hou01"])
    named = [set(re.findall(r"\w+", title)) for title in titles(few)]
    assert any({"Blues", "Jamaican", "Jazz"} <= words for words in named) and "Metal" in titles(few)
    assert all(title and title[0].isupper() and "_" not in title for title in titles(musicmap))
    assert np.unique(cluster_index(few)).size == len(titles(few))
