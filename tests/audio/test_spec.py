import pytest

from genrelab.audio import AudioSpec, fingerprint
from genrelab.utils.errors import ConfigError


def test_all_problems_at_once():
    with pytest.raises(ConfigError, match=r"(?s)sample_rate.*segment_duration.*max_segments") as caught:
        AudioSpec(sample_rate=10, segment_duration=0, max_segments=0)
    assert len(caught.value.problems) == 3


def test_fingerprint_tells_specs_apart():
    assert fingerprint(AudioSpec()) == fingerprint(AudioSpec()) != fingerprint(AudioSpec(data_seed=1))
    assert AudioSpec(segment_duration=3).segment_samples == 66_150


@pytest.mark.parametrize(
    ("spec", "saved", "key"),
    [
        (AudioSpec(), {"segment_seconds": 15.0, "choose": "even", "short": "pad", "trim_db": 60.0}, "ace6425dc9879ea9"),
        (
            AudioSpec(max_segments=None, segment_selection="random", short_tracks="drop", trim_top_db=None),
            {"segment_seconds": 15.0, "choose": "random", "short": "drop", "trim_db": None},
            "a9c73b40907d2810",
        ),
    ],
)
def test_saved_names_and_fingerprint_are_those_of_earlier_caches(spec, saved, key):
    plain = spec.to_dict()
    assert {name: plain[name] for name in saved} == saved
    assert set(plain) - set(saved) == {"sample_rate", "max_segments", "data_seed"}
    assert fingerprint(spec) == key
    assert AudioSpec.from_dict(plain) == spec
