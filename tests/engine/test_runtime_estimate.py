from genrelab.engine.runtime_estimate import _probed
from streams import piped_flac, rising, write


def test_a_header_without_a_length_counts_nothing(tmp_path):
    assert _probed(str(write(tmp_path / "a.flac", [piped_flac(rising(3))]))) == 0.0
    assert _probed(str(tmp_path / "none.flac")) == 0.0
