"""Tables in and out, and what lies near."""

import numpy as np
import pandas as pd
import pytest

from embed_table import table
from genrelab.inference.embeddings import nearest_rows, read_embeddings, write_embeddings
from genrelab.inference.embeddings.table import merge_embeddings
from genrelab.utils.errors import GenrelabError


def test_a_table_goes_in_and_out_and_pandas_reads_it(tmp_path):
    write_embeddings(tmp_path / "x.parquet", table())
    found = read_embeddings(tmp_path / "x.parquet")
    np.testing.assert_array_equal(found.vectors, table().vectors)
    assert found.path.tolist() == table().path.tolist() and found.run_id == "r"
    frame = pd.read_parquet(tmp_path / "x.parquet")
    assert (
        list(frame) == ["track", "path", "folder", "genre", "seconds", "embedding"] and len(frame["embedding"][0]) == 5
    )


def test_it_serves_as_a_dataset(tmp_path):
    from genrelab.datasets.registry import DATASETS

    write_embeddings(tmp_path / "x.parquet", table())
    dataset_index = DATASETS.build("embeddings", {"path": str(tmp_path / "x.parquet"), "track": "path"}, cache=tmp_path)
    assert len(dataset_index.tracks) == 6 and set(dataset_index.tracks["genre"]) == {"Ska", "Dub"}


def test_what_is_no_table_is_one_line(tmp_path):
    (tmp_path / "text.parquet").write_text("text")
    pd.DataFrame({"a": [1]}).to_parquet(tmp_path / "other.parquet")
    for name, reason in (("none", "no such file"), ("text.parquet", "not a table"), ("other.parquet", "not a table")):
        with pytest.raises(GenrelabError, match=reason) as caught:
            read_embeddings(tmp_path / name)
        assert "\n" not in str(caught.value)


def test_nearest_is_the_cosine_of_what_differs_from_the_mean():
    vectors = np.abs(np.random.default_rng(0).normal(size=(20, 8)))
    query = vectors[3] + 0.01
    rows, cosine = nearest_rows(vectors, query, 4)
    centered, one = vectors - vectors.mean(axis=0), query - vectors.mean(axis=0)
    theirs = [row @ one / np.linalg.norm(row) / np.linalg.norm(one) for row in centered]
    assert rows[0] == 3 and rows.tolist() == np.argsort(theirs)[::-1][:4].tolist()
    np.testing.assert_allclose(cosine, np.sort(theirs)[::-1][:4])


def test_joined_rows_are_sorted():
    found = merge_embeddings(table(2, first=4), table(4))
    assert found.path.tolist() == sorted(found.path) and len(found) == 6
    np.testing.assert_array_equal(found.vectors[4:], table(2, first=4).vectors)
