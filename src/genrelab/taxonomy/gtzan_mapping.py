"""GTZAN's ten genres, placed on the Musicmap's graph.

A class of GTZAN is wider than a genre of the Musicmap and narrower than, or astride of, its supergenres ("disco"
is two genres of two supergenres). So each class becomes a place of its own, `STEP` away from the genres that its
clips mostly belong to, and distances stay what they are everywhere: shortest ways on one graph. Two classes are
thus as far apart as their two nearest genres, plus `STEP` at either end; where the way through a third class is
shorter, it counts, or the triangle inequality would not hold.

The placing follows the artists of the clips (the index of Sturm 2013, "The GTZAN dataset: its contents, its faults,
their effects on evaluation, and its future use", arXiv 1306.1461), not the classes' names: GTZAN's "pop" is the
dance pop and R&B around 2000. A genre counts where about ten or more of a class's hundred clips belong to it:
fewer would make short cuts (Rage Against the Machine's five clips would draw metal and hip hop to distance 2).
Clips that are known to be in the wrong class (a punk band's twelve in "metal") place nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from genrelab.taxonomy.readers import Weights, musicmap
from genrelab.taxonomy.registry import TAXONOMIES
from genrelab.taxonomy.taxonomy import Link, Taxonomy

STEP = 0.5  # two classes that share a genre would lie one primary link apart


@dataclass(frozen=True)
class ClassMapping:
    """Where a class lies.

    Args:
        title: as people read it.
        supergenre: the Musicmap's.
        genres: of the Musicmap, each with artists who stand for it.
    """

    title: str
    supergenre: str
    genres: Mapping[str, str]


GTZAN = {
    "blues": ClassMapping(
        "Blues",
        "blu",
        {
            "blu01": "Robert Johnson, Kelly Joe Phelps",
            "blu04": "Stevie Ray Vaughan, Albert Collins",
            "blu06": "John Lee Hooker, Magic Slim",
            "blu08": "Clifton Chenier, Buckwheat Zydeco",
        },
    ),
    "classical": ClassMapping("Classical", "class", {"class": "Mozart, Vivaldi, Haydn"}),
    "country": ClassMapping(
        "Country",
        "cou",
        {
            "cou08": "Willie Nelson, Billy Joe Shaver",
            "cou10": "Vince Gill, Brad Paisley, George Strait",
        },
    ),
    "disco": ClassMapping(
        "Disco",
        "rnb",
        {"rnb07": "KC and the Sunshine Band, Gloria Gaynor", "pop06": "Evelyn Thomas, Boney M., Ottawan"},
    ),
    "hiphop": ClassMapping(
        "Hip hop",
        "rap",
        {
            "rap02": "Public Enemy, Beastie Boys",
            "rap04": "Cypress Hill, Ice Cube",
            "rap05": "A Tribe Called Quest, De La Soul",
        },
    ),
    "jazz": ClassMapping(
        "Jazz",
        "jaz",
        {
            "jaz03": "Coleman Hawkins",
            "jaz08": "Joe Henderson, Joe Lovano, Branford Marsalis",
        },
    ),
    "metal": ClassMapping(
        "Metal",
        "met",
        {
            "met01": "Dio, Black Sabbath",
            "met06": "Metallica, Slayer",
        },
    ),
    "pop": ClassMapping(
        "Pop",
        "pop",
        {
            "pop05": "Alanis Morissette, Celine Dion",
            "pop11": "Britney Spears, Mandy Moore, Madonna",
            "rnb13": "Destiny's Child, Janet Jackson",
        },
    ),
    "reggae": ClassMapping(
        "Reggae",
        "jam",
        {
            "jam04": "Bob Marley, Burning Spear, Dennis Brown",
        },
    ),
    "rock": ClassMapping(
        "Rock",
        "gld",
        {
            "gld04": "Led Zeppelin",
            "gld05": "Queen, Jethro Tull",
            "alt01": "The Stone Roses, Morphine",
        },
    ),
}


# What a listener may know of each class, in our own words.
DESCRIPTIONS = {
    "blues": (
        "Songs of African Americans from the South, often twelve bars of three chords and a scale with bent "
        "thirds and sevenths; here from lone singers with a guitar to the electric bands of Chicago and Texas, "
        "and zydeco."
    ),
    "classical": (
        "European art music written down for orchestra, chamber group, piano or voices; here much of it of the "
        "eighteenth century."
    ),
    "country": (
        "Songs in plain words with guitars, fiddle and pedal steel, out of the rural American South; here mostly "
        "the outlaws and the radio country of the 1970s to the 1990s."
    ),
    "disco": (
        "Dance music of the 1970s: four kicks to the bar, open hi-hats between them, octave bass lines, strings, "
        "and voices from soul."
    ),
    "hiphop": (
        "Rhymes spoken in rhythm over beats made of samples and drum machines, from the block parties of the "
        "Bronx; here mostly of the late 1980s and the 1990s."
    ),
    "jazz": (
        "Improvisation on songs and riffs with swing and rich chords; here from the saxophonists of the swing era "
        "to hard bop and its heirs."
    ),
    "metal": (
        "Loud, distorted guitars in riffs, heavy drums and a voice to match; here from the first bands of the "
        "1970s to thrash."
    ),
    "pop": (
        "Songs made for the charts, with a chorus that is meant to stay; here the dance pop, ballads and R&B "
        "around 2000."
    ),
    "reggae": (
        "Jamaican music of the 1970s: guitar chords on the offbeats, a deep melodic bass, and drums that leave "
        "the first beat empty."
    ),
    "rock": (
        "Electric guitars, bass, drums and a singer in songs with a strong backbeat; here from the hard and "
        "progressive rock of the 1970s to indie bands."
    ),
}


@TAXONOMIES.register("gtzan")
def gtzan(weights: Weights | None = None) -> Taxonomy:
    """GTZAN's ten genres, each a place beside the genres of the Musicmap that it is made of; docs/taxonomy.md.

    Args:
        weights: lengths of edges that differ from `EdgeWeights`.
    """
    whole = musicmap(weights)
    placed = tuple(Link(code, genre, "placed", STEP) for code, place in GTZAN.items() for genre in place.genres)
    titles = {code: place.title for code, place in GTZAN.items()}
    return replace(
        whole,
        name="gtzan",
        source=f"GTZAN's genres placed on {whole.source}",
        genres=tuple(GTZAN),
        titles=tuple(titles.values()),
        supergenre_of=tuple(place.supergenre for place in GTZAN.values()),
        links=whole.links + placed,
        node_titles={**whole.node_titles, **titles},
        descriptions={**whole.descriptions, **DESCRIPTIONS},
    )
