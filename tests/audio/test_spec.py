import pytest

from genrelab.audio import AudioSpec, fingerprint
from genrelab.utils.errors import ConfigError


def test_all_problems_at_once():
    with pytest.raises(ConfigError, match=r"(?s)sample_rate.*segment_seconds.*max_segments") as caught:
        AudioSpec(sample_rate=10, segment_seconds=0, max_segments=0)
    assert len(caught.value.problems) == 3


def test_fingerprint_tells_specs_apart():
    assert fingerprint(AudioSpec()) == fingerprint(AudioSpec()) != fingerprint(AudioSpec(data_seed=1))
    assert AudioSpec(segment_seconds=3).segment_samples == 66_150
