from genrelab.inference.batch import find_audio_files
from streams import encoded, rising


def test_a_folder_s_other_files_are_counted_by_ending(tmp_path):
    (tmp_path / "a").mkdir()
    for name in ("song.mp3", "cover.jpg", "back.jpg", "a/list.txt"):
        (tmp_path / name).write_bytes(b"\xff\xd8\xff")
    (tmp_path / "a/song").write_bytes(encoded(rising(0.2)))
    found = find_audio_files([tmp_path, tmp_path / "song.mp3"])
    assert [path.name for path in found.files] == ["song", "song.mp3"] and found.rejected == []
    assert found.left_out.endswith(": 2 .jpg, 1 .txt")
    assert find_audio_files([tmp_path / "cover.jpg"]).left_out == ""  # named, so it is tried
