"""Genre folders between codes and names."""

import unicodedata

import pytest
from typer.testing import CliRunner

from genrelab.cli import app
from genrelab.datasets.folder_rename import apply_renaming, file_name, plan_renaming
from genrelab.taxonomy.registry import TAXONOMIES
from genrelab.utils.errors import GenrelabError


@pytest.fixture(scope="module")
def taxonomy():
    return TAXONOMIES.build("musicmap", {}, genres=())


@pytest.fixture
def root(tmp_path):
    for name in ("alt02/alt02-1-Sonic Youth-Teen Age Riot.m4a", "jaz03/jaz03-1-A-B.m4a", "jaz03/cover.jpg",
                 "notes/x.txt"):  # fmt: skip
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    return tmp_path


def folders(root):
    return sorted(path.name for path in root.iterdir())


def test_there_and_back_again_is_nothing(root, taxonomy):
    before = {str(path.relative_to(root)): path.read_text() for path in root.rglob("*") if path.is_file()}
    apply_renaming(plan_renaming(root, taxonomy, "names", files=True))
    assert (root / "Noise Rock" / "Noise Rock-1-Sonic Youth-Teen Age Riot.m4a").exists()
    assert len(plan_renaming(root, taxonomy, "names", files=True).correct) == 2
    apply_renaming(plan_renaming(root, taxonomy, "codes", files=True))
    assert {str(path.relative_to(root)): path.read_text() for path in root.rglob("*") if path.is_file()} == before


def test_every_genre_finds_back_by_its_folder(taxonomy):
    for code, title in zip(taxonomy.genres, taxonomy.titles, strict=True):
        assert taxonomy.resolve(file_name(title)) == code
        assert not set(file_name(title)) & set('/\\:*?"<>|')


def test_what_is_no_genre_stays(root, taxonomy):
    found = plan_renaming(root, taxonomy, "names")
    assert [folder.name for folder, _ in found.unknown] == ["notes"] and len(found.moves) == 2


def test_decomposed_letters_are_recognized(tmp_path, taxonomy):
    code = taxonomy.resolve("Reggaet\u00f3n & Latin Rap")
    (tmp_path / unicodedata.normalize("NFD", "Reggaet\u00f3n & Latin Rap ")).mkdir()
    apply_renaming(plan_renaming(tmp_path, taxonomy, "codes"))
    assert folders(tmp_path) == [code]


def test_nothing_is_overwritten(root, taxonomy):
    (root / "noise rock").write_text("a file in the way")
    with pytest.raises(GenrelabError, match=r"'Noise Rock' .*noise rock\b"):
        plan_renaming(root, taxonomy, "names")
    (root / "noise rock").unlink()
    found = plan_renaming(root, taxonomy, "names")
    (root / "Noise Rock").mkdir()  # meanwhile
    with pytest.raises(GenrelabError, match=r"alt02: .*'Noise Rock'"):
        apply_renaming(found)
    with pytest.raises(GenrelabError, match=r"\balt02\b"):
        plan_renaming(root, taxonomy, "codes")


def test_files_are_not_overwritten_either(root, taxonomy):
    (root / "alt02" / "NOISE ROCK-1-Sonic Youth-Teen Age Riot.m4a").touch()
    with pytest.raises(GenrelabError, match=r"NOISE ROCK-1-|Noise Rock-1-"):
        plan_renaming(root, taxonomy, "names", files=True)
    assert (root / "alt02").exists()


def test_the_verb_shows_first_and_renames_when_told(root):
    dry = CliRunner().invoke(app, ["tools", "rename-folders", str(root), "--to", "names"])
    assert dry.exit_code == 0 and "alt02 -> Noise Rock" in dry.output and "--apply" in dry.output
    assert "alt02" in folders(root) and "notes" in dry.output
    done = CliRunner().invoke(app, ["tools", "rename-folders", str(root), "--to", "names", "--apply"])
    assert done.exit_code == 0 and "Noise Rock" in folders(root)
