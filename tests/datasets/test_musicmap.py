import re
import unicodedata

import pytest

from genrelab.audio.errors import NO_SUCH_FILE
from genrelab.config import compose
from genrelab.datasets.musicmap import musicmap, normalize_name
from genrelab.datasets.splits import SplitError
from genrelab.datasets.splits.predefined import official
from genrelab.datasets.splits.stratified_group import grouped
from genrelab.engine import build
from genrelab.utils.errors import ConfigError, GenrelabError
from naming import naming

HEADER = "split,genre,file_path,filename,num_segments,num_selected_segments\n"
FILES = [
    "jaz03/jaz03-1-Miles Davis-So What.m4a",
    "jaz03/jaz03-2-Chet Baker-It\u2019s Always You .m4a",  # a typographic quote, a blank before the extension
    "jaz03/jaz03-3-Bj\u00f6rk-Like Someone in Love.m4a",
    "woA09/woA09-1-Fela Kuti-Zombie.m4a",
    "class/class-1-J. S. Bach-Air.m4a",
    "dtp02/dtp02-4-Sergio Mendes-Mas que nada.m4a",
    "woB04/woB04-7-Sergio Mendes-Mas Que Nada.m4a",
]
SPLITS = [
    'train,jaz03,/old/jaz03/a.m4a,"jaz03-1-Miles Davis-So What.m4a ",12,5',  # a trailing blank
    "val,jaz03,/old/b.m4a,jaz03-2-Chet Baker-It's Always You.m4a,9,5",
    "train,jaz03,/old/c.m4a," + unicodedata.normalize("NFD", "jaz03-3-Bj\u00f6rk-Like Someone in Love.m4a") + ",9,5",
    "train,woA09,/old/d.m4a,woA09-1-Fela Kuti-Zombie.m4a,9,5",
    "train,class,/old/e.m4a,class-1-J. S. Bach-Air.m4a,9,5",
    "test,dtp02,/old/f.m4a,dtp02-4-Sergio Mendes-Mas que nada.m4a,9,5",
    "val,woB04,/old/g.m4a,woB04-7-Sergio Mendes-Mas Que Nada.m4a,9,5",
    "test,woB04,/old/h.m4a,woB04-8-Nobody-Was lost.m4a,9,5",
]


@pytest.fixture
def root(tmp_path):
    for name in FILES:
        path = tmp_path / "songs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (tmp_path / "splits.csv").write_text("\ufeff" + HEADER + "\n".join(SPLITS) + "\n", encoding="utf-8")
    return tmp_path


def test_names_tell_artists_and_the_csv_tells_parts(root):
    dataset_index = musicmap(str(root / "songs"), str(root / "splits.csv"))
    rows = dataset_index.tracks.set_index("track_id")
    assert rows.loc["class/class-1-J. S. Bach-Air.m4a", "artist_id"] == "J. S. Bach"
    assert rows["official_split"].value_counts().to_dict() == {"train": 4, "val": 2, "test": 1}
    assert dataset_index.rejected == (("woB04/woB04-8-Nobody-Was lost.m4a", f"{NO_SUCH_FILE} (splits.csv, line 9)"),)
    assert re.search(r"\b1 of .*files", dataset_index.notes[-1])


def test_a_song_in_two_genres_stays_together(root):
    dataset_index = musicmap(str(root / "songs"), str(root / "splits.csv"))
    albums = dataset_index.tracks.set_index("genre")["album_id"]
    assert albums["dtp02"] == albums["woB04"] and "sergio mendes - mas que nada" in albums["dtp02"]
    assert albums["class"] is None and "(dtp02, woB04)" in dataset_index.notes[0]
    with pytest.raises(SplitError):
        grouped(dataset_index)  # too few songs here, and never apart
    two = dataset_index.only([track for track in dataset_index.genre_of if "Mas" in track or "jaz03" in track])
    with pytest.raises(SplitError):
        official(two, group_by="artist")


def test_codes_are_places_on_the_map(root):
    config = compose(["dataset=musicmap", f"dataset.root={root / 'songs'}", "data.find_duplicates=false"])
    dataset = build.read_dataset(config)
    assert set(dataset.taxonomy.genres) == {"jaz03", "woA09", "class", "dtp02", "woB04"}


@pytest.mark.parametrize(("a", "b"), [
    ("So What.m4a ", "So What.m4a"),
    ("So What .m4a", "so what.M4A"),
    ("Don\u2019t.m4a", "Don't.m4a"),
    (unicodedata.normalize("NFD", "Bj\u00f6rk.m4a"), "Bj\u00f6rk.m4a"),
    ("\uff21BC", "abc"),
])  # fmt: skip
def test_spellings_of_one_name(a, b):
    assert normalize_name(a) == normalize_name(b)


@pytest.mark.parametrize(("line", "message"), [
    ("training day,jaz03,x,jaz03-1-Miles Davis-So What.m4a,1,1", r"splits\.csv, line 10\b.*'training day'"),
    ("test,jaz03,x,jaz03-1-Miles Davis-So What.m4a,1,1", r"\btrain\b.*\btest\b"),
])  # fmt: skip
def test_what_does_not_fit_names_file_and_line(root, line, message):
    with (root / "splits.csv").open("a", encoding="utf-8") as handle:
        handle.write(line + "\n")
    with pytest.raises(GenrelabError, match=message):
        musicmap(str(root / "songs"), str(root / "splits.csv"))


def test_what_is_missing_is_told(root):
    with pytest.raises(ConfigError, match=r"dataset\.root: "):
        musicmap()
    with pytest.raises(GenrelabError, match=r"dataset\.splits: .*nowhere\.csv"):
        musicmap(str(root / "songs"), str(root / "nowhere.csv"))
    (root / "other.csv").write_text("part,song\n")
    with pytest.raises(GenrelabError, match=naming("other.csv", "'split'")):
        musicmap(str(root / "songs"), str(root / "other.csv"))
    (root / "songs2" / "jaz03").mkdir(parents=True)
    with pytest.raises(GenrelabError, match=r"/songs2\b"):
        musicmap(str(root / "songs2"))
