import numpy as np
import pytest

from genrelab.features.colormaps import colormap_for


def test_the_first_coefficient_does_not_flatten_the_others():
    picture = np.random.default_rng(0).normal(0, 10, (32, 64))
    picture[0] -= 300
    colors = colormap_for("coefficient", picture)
    steps = colors.to_uint8(picture)
    assert colors.signed and colors.vmax == -colors.vmin < 40
    assert steps[1:].std() > 50 and (steps[0] == 0).all()


@pytest.mark.parametrize("unit", ["coefficient", "position", "share", "dB", ""])
@pytest.mark.parametrize("value", [0.0, -3.0, np.nan])
def test_a_constant_picture_has_a_color(unit, value):
    picture = np.full((3, 4), value)
    colors = colormap_for(unit, picture)
    assert colors.vmin < colors.vmax and np.ptp(colors.to_uint8(picture)) == 0
