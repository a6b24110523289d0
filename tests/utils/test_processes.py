"""Worker processes start in whatever process asks for them, joblib's included."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import genrelab

PACKAGE = Path(genrelab.__file__).parent
IN_LOKY = """
import sys
from pathlib import Path

def build(cache):  # in a process of joblib's
    import genrelab.datasets.synthesis.dataset as demo
    demo.SMALL = 0.0
    spec = demo.DemoSpec(("jam02", "jam04"), tracks_per_genre=2, artists_per_genre=2, seconds=1.0)
    tracks = demo.build_demo(spec, Path(cache) / "demo", workers=2, progress=False)
    return len(tracks), store(tracks, cache) if sys.argv[2] == "store" else 0

def store(tracks, cache):
    import pandas as pd
    from genrelab.audio import AudioSpec
    from genrelab.features import make_spec
    from genrelab.features.cache import FeatureCache

    audio = AudioSpec(sample_rate=8000, segment_duration=0.5, trim_top_db=None)
    specs = [make_spec("mfcc", dict(kind="mfcc", n_mfcc=8, frames=16, n_fft=512, hop_length=256, n_mels=16), audio)]
    table = pd.DataFrame({"track_id": [t.path.stem for t in tracks], "path": [str(t.path) for t in tracks]})
    return FeatureCache(Path(cache) / "store", audio, specs).prepare(table, workers=2, progress=False).built

if __name__ == "__main__":
    from joblib import Parallel, delayed
    print(*Parallel(n_jobs=2)(delayed(build)(f"{sys.argv[1]}/{job}") for job in range(2)))
"""


@pytest.mark.slow
@pytest.mark.parametrize(("what", "built"), [("demo", 0), ("store", 4)])
def test_workers_start_in_a_process_of_joblib(tmp_path, what, built):
    script = tmp_path / "script.py"
    script.write_text(IN_LOKY)
    command = [sys.executable, str(script), str(tmp_path), what]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.stdout.split("\n")[-2:] == [f"(4, {built}) (4, {built})", ""], done.stderr


def test_one_place_starts_processes():
    """A context that another module gets for itself lacks what `spawn_context` sets."""
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            name = node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
            if name in ("get_context", "set_start_method", "Process", "Pool"):
                owner = getattr(getattr(node, "value", None), "id", "")
                assert path.name == "processes.py" or owner == "context", f"{path.name}, line {node.lineno}: {name}"
