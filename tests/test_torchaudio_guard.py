"""The guarded import, with torchaudios made for the purpose: absent, sound, and without loadable extension."""

import subprocess
import sys

import pytest

CODE = "import sys; sys.path.insert(0, {path!r}); from genrelab.torchaudio_guard import *; {what}"

EXTENSION_FAILS = "raise OSError('libcudart.so.13: cannot open shared object file')\n"


def run(path, what):
    done = subprocess.run(
        [sys.executable, "-c", CODE.format(path=str(path), what=what)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def package(root, **files):
    for name, content in files.items():
        path = root / "torchaudio" / f"{name.replace('__slash__', '/')}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return root


def test_a_sound_one_is_found(tmp_path):
    root = package(tmp_path, __init__="here = 1\n")
    assert run(root, "print(find_torchaudio().here, need_torchaudio('x').here)") == "1 1"


def test_one_without_its_extension_works_all_the_same(tmp_path):
    root = package(
        tmp_path,
        __init__="from torchaudio._extension import _check_cuda_version, fail_if_no_align\nfrom . import transforms\n",
        _extension__slash____init__=EXTENSION_FAILS,
        transforms=(
            "from torchaudio._extension import fail_if_no_align, lazy\n"
            "@fail_if_no_align\ndef mask(x): return -x\n"
            "def compiled(): return lazy()\n"
        ),
    )
    assert run(root, "print(find_torchaudio().transforms.mask(3))") == "-3"
    text = run(root, "t = find_torchaudio().transforms\ntry: t.compiled()\nexcept RuntimeError as e: print(e)")
    assert text == "torchaudio's compiled part is not loaded: lazy"


@pytest.mark.parametrize("error", ["ImportError('no')", "OSError('no')", "RuntimeError('no')"])
def test_one_that_does_not_load_is_as_good_as_none(tmp_path, error):
    root = package(tmp_path, __init__=f"raise {error}\n")
    what = (
        "print(find_torchaudio())\ntry: need_torchaudio('model.specaugment')\nexcept TorchaudioMissing as e: print(e)"
    )
    assert run(root, what).splitlines() == [
        "None",
        "model.specaugment needs torchaudio: pip install 'genrelab[gpu]', in the version of torch",
    ]
    assert run(root, "find_torchaudio(); print('torchaudio' in sys.modules)") == "False"
