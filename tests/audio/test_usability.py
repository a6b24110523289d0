import pytest

from genrelab.audio import AudioSpec
from genrelab.audio.usability import SILENT, find_fault, too_short

PAD = AudioSpec(sample_rate=1_000, segment_duration=10.0)
DROP = AudioSpec(sample_rate=1_000, segment_duration=10.0, short_tracks="drop")


@pytest.mark.parametrize(
    ("peak", "usable", "spec", "fault"),
    [
        (1e-3, 10.0, PAD, ""),
        (0.99e-3, 10.0, PAD, SILENT),
        (0.5, 1.0, PAD, ""),
        (0.5, 0.999, PAD, too_short(PAD)),
        (0.5, 10.0, DROP, ""),
        (0.5, 9.999, DROP, too_short(DROP)),
    ],
)
def test_find_fault_at_its_bounds(peak, usable, spec, fault):
    assert find_fault(peak, usable, spec) == fault


def test_too_short_names_the_seconds_and_the_option():
    assert "1 s" in too_short(PAD) and "short_tracks" not in too_short(PAD)
    assert "10 s" in too_short(DROP) and "audio.short_tracks=drop" in too_short(DROP)
