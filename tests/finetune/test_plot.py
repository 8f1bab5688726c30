"""The picture of the losses."""

import struct

import pytest
from adapter_records import make_record

from finetune.adapter.plot import plot_losses, smooth


def test_the_same_record_gives_the_same_small_picture(tmp_path):
    record = make_record()
    plot_losses(record, tmp_path / "assets" / "loss.png")
    plot_losses(record, tmp_path / "again.png")
    raw = (tmp_path / "assets" / "loss.png").read_bytes()
    assert raw == (tmp_path / "again.png").read_bytes()
    assert raw.startswith(b"\x89PNG")
    assert struct.unpack(">II", raw[16:24]) == (720, 480)
    assert len(raw) < 100_000
    assert b"tEXt" not in raw  # no date, no version


@pytest.mark.parametrize("changes", [{"losses": []}, {"validation": None, "best_step": None}])
def test_without_validation_or_any_loss(tmp_path, changes):
    plot_losses(make_record(**changes), tmp_path / "loss.png")
    assert (tmp_path / "loss.png").stat().st_size > 1000


def test_smoothing_keeps_a_constant_and_does_not_lag_behind_a_line():
    assert smooth([2.0, 2.0, 2.0]) == pytest.approx([2.0, 2.0, 2.0])
    line = [0.1 * i for i in range(100)]
    assert smooth(line)[20:80] == pytest.approx(line[20:80])
    assert smooth([7.0]) == pytest.approx([7.0])
    assert smooth([]) == []
