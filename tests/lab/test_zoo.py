"""The table of networks: what is counted, and which figures stand in it."""

import json
import shutil

import pytest
from torch import nn

from pneumoscope.core.bundle import bundle_find
from pneumoscope.core.card import read_card
from pneumoscope.lab.networks import NETWORKS
from pneumoscope.lab.pneumonet import pneumonet
from pneumoscope.lab.zoo import SIZE, count_flops, measure
from pneumoscope.lab.zoo_table import Cost, cost_lines, reached

pytestmark = pytest.mark.lab


def test_operations_are_counted_as_by_hand():
    """A 3×3 convolution from 1 to 2 channels with stride 2: 2 · 9 · 2 per place of the map."""
    layer = nn.Conv2d(1, 2, 3, stride=2, padding=1, bias=False)
    assert count_flops(layer) == 2 * 9 * 2 * (SIZE // 2) ** 2


def test_a_network_is_measured_as_serving_runs_it(monkeypatch):
    monkeypatch.setitem(NETWORKS, "pneumonet", lambda classes: pneumonet(classes, width=4, depth=1))
    cost = measure("pneumonet", repeats=2)
    network = pneumonet(3, width=4, depth=1)
    assert cost.parameters == sum(p.numel() for p in network.parameters())
    assert cost.megabytes * 1e6 == pytest.approx(4 * cost.parameters, rel=0.5)
    assert cost.milliseconds > 0
    assert cost.megaflops > 0


def test_figures_come_from_cards_and_from_reports_of_the_same_weights(tmp_path):
    for name in ("right", "other"):
        shutil.copytree(bundle_find(), tmp_path / name)
        card, content_hash = read_card(tmp_path / name)
        report = {
            "model": {"hash": content_hash if name == "right" else "0" * 64},
            "date": "2026-11-23",
            "sets": {
                "kermany": {"figures": {"auroc": [0.98765, 0.9, 1.0]}},
                "gate": {"refused": {}},
            },
        }
        (tmp_path / name / "report.json").write_text(json.dumps(report))
    network = card.raw["recipe"]["network"]["name"]
    found = reached([tmp_path / "right", tmp_path / "other"])
    fold = f"{card.name} {card.metrics['validation_auroc']:.3f}"
    assert found == {network: {"fold": [fold, fold], "kermany": [f"{card.name} 0.988"]}}
    (tmp_path / network).mkdir()
    (tmp_path / "right").rename(tmp_path / network / "bundle")
    assert reached([tmp_path / network / "bundle"])[network]["kermany"] == ["0.988"]
    del found[network]["fold"]
    costs = {network: Cost(3_370_000, 790.4, 4.21, 13.6), "new": Cost(1, 1, 1, 1)}
    assert list(cost_lines(costs, found | {"theirs": {"kermany": ["0.990"]}})) == [
        "| network | parameters | MFLOPs | ms | MB | AUROC kermany |",
        "|---|---|---|---|---|---|",
        f"| {network} | 3.37 M | 790 | 4.2 | 13.6 | {card.name} 0.988 |",
        "| new | 0.00 M | 1 | 1.0 | 1.0 | – |",
        "| theirs | – | – | – | – | 0.990 |",
        "",
    ]
