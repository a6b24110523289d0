import pytest

from genrelab.config.resume_overrides import override_machine, parse_machine_overrides
from genrelab.utils.errors import ConfigError

CONFIG = {
    "dataset": {
        "kind": "fma",
        "root": "/old/fma",
        "metadata": "/old/fma/fma_metadata",
        "exclude": ["/old/fma/x.txt", 2],
    },
    "join": {"table": {"kind": "table", "path": "/old/t.csv"}},
    "paths": {"output_dir": "out", "runs_dir": "out/runs", "cache_dir": "/elsewhere"},
    "accelerator": {"accelerator": "cuda", "devices": 4, "precision": "auto"},
    "data": {"cache_on_device": True, "batch_size": 64},
}


def changed(*overrides):
    return override_machine(CONFIG, parse_machine_overrides(overrides))


def test_paths_below_an_overridden_one_follow_it():
    dataset = changed("dataset.root=/new/")["dataset"]
    assert dataset == {"kind": "fma", "root": "/new/", "metadata": "/new/fma_metadata", "exclude": ["/new/x.txt", 2]}
    assert changed("paths.output_dir=there")["paths"] == {
        "output_dir": "there", "runs_dir": "there/runs", "cache_dir": "/elsewhere",
    }  # fmt: skip
    assert changed("join.table.path=/new/t.csv")["join"]["table"]["path"] == "/new/t.csv"
    assert CONFIG["dataset"]["root"] == "/old/fma", "the given one is kept"


def test_machine_settings_change_one_by_one_or_as_an_option():
    one = changed("accelerator.devices=1", "data.cache_on_device=false")
    assert one["accelerator"]["devices"] == 1 and one["data"] == {"cache_on_device": False, "batch_size": 64}
    option = changed("accelerator=cpu")["accelerator"]
    assert (option["accelerator"], option["devices"]) == ("cpu", 1)


@pytest.mark.parametrize(
    "override",
    ["beta=2", "data.batch_size=8", "dataset.kind=folder", "dataset=folder", "~callbacks.stop", "dataset.root=a,b"],
)
def test_what_would_be_another_run_is_refused(override):
    with pytest.raises(ConfigError) as caught:
        parse_machine_overrides([override])
    assert override in str(caught.value)
