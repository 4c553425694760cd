"""`pneumoscope models list | show | card | verify | zoo | trainings`."""

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path

from pneumoscope.cli.extras import require_extra
from pneumoscope.core.bundle import bundle_find, bundle_folders, load_bundle
from pneumoscope.core.card import Card, read_card
from pneumoscope.core.errors import PneumoscopeError
from pneumoscope.core.model_card import model_card


def configure(parser: argparse.ArgumentParser) -> None:
    commands = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    commands.add_parser("list", help="the installed models, the default marked *")
    show = commands.add_parser("show", help="a model's card")
    show.add_argument("model", nargs="?", metavar="NAME|DIR", help="default: the default model")
    show.add_argument("--json", action="store_true", help="the whole card.json")
    card = commands.add_parser("card", help="the model card in words, as Markdown")
    card.add_argument("model", nargs="?", metavar="NAME|DIR", help="default: the default model")
    verify = commands.add_parser("verify", help="check every hash and every golden output")
    verify.add_argument("model", nargs="?", metavar="NAME|DIR", help="default: all installed")
    zoo = commands.add_parser("zoo", help="what every network of the lab costs")
    zoo.add_argument(
        "models",
        nargs="*",
        type=Path,
        metavar="DIR",
        help="bundles whose report.json is to stand beside",
    )
    trainings = commands.add_parser("trainings", help="what several trainings reached, by adults")
    trainings.add_argument(
        "models",
        nargs="+",
        type=Path,
        metavar="DIR",
        help="bundles that evaluate --targets [--no-test] measured with --out DIR",
    )
    for table in (zoo, trainings):
        table.add_argument("--format", choices=("markdown", "json"), default="markdown")


def run(options: argparse.Namespace) -> int:
    if options.action == "list":
        return _list()
    if options.action == "show":
        return _show(bundle_find(options.model), options.json)
    if options.action == "card":
        print(model_card(bundle_find(options.model)))
        return 0
    if options.action == "zoo":
        return _zoo(options.models, options.format == "json")
    if options.action == "trainings":
        return _trainings(options.models, options.format == "json")
    return _verify([bundle_find(options.model)] if options.model else bundle_folders())


def _list() -> int:
    default = bundle_find()
    for folder in bundle_folders():
        card, content_hash = read_card(folder)
        mark = "*" if folder == default else " "
        print(f"{mark} {card.name:<16} {card.version:<10} {content_hash[:12]}  {card.title}")
    return 0


def _show(folder: Path, as_json: bool) -> int:
    card, content_hash = read_card(folder)
    if as_json:
        print(json.dumps({"hash": content_hash} | card.raw, indent=2, ensure_ascii=False))
        return 0
    low, high = card.population.age
    facts = {
        "model": f"{card.name} {card.version} – {card.title}",
        "hash": content_hash,
        "folder": folder,
        "description": card.description,
        "licence": card.licence,
        "created": card.created,
        "classes": ", ".join(card.classes),
        **{name: _point(card, name) for name in card.operating_points},
        "uncertain": f"{card.uncertain.low:.4f} to {card.uncertain.high:.4f}",
        "population": card.population.description,
        "age": f"{low:g} to {high:g} years",
        "views": ", ".join(card.population.views),
    }
    for name, fact in facts.items():
        print(f"{name:<12} {fact}")
    print("metrics")
    for line in json.dumps(card.metrics, indent=2, ensure_ascii=False).splitlines()[1:-1]:
        print(line)
    return 0


def _point(card: Card, name: str) -> str:
    point = card.point(name)
    default = ", taken where none is asked for" if name == card.operating_point else ""
    return (
        f"positive from {point.threshold:.4f}; in validation sensitivity {point.sensitivity:.3f}, "
        f"specificity {point.specificity:.3f}{default}"
    )


def _verify(folders: list[Path]) -> int:
    failures = 0
    for folder in folders:
        try:
            bundle = load_bundle(folder)
        except PneumoscopeError as error:
            failures += 1
            print(f"{folder.name}: {error.code}: {error}\n  {error.remedy}", file=sys.stderr)
        else:
            print(f"{bundle.name} {bundle.version} {bundle.hash}: intact")
    return 1 if failures else 0


def _zoo(bundles: list[Path], as_json: bool) -> int:
    require_extra("lab")
    from pneumoscope.lab.networks import NETWORKS
    from pneumoscope.lab.zoo import measure
    from pneumoscope.lab.zoo_table import cost_lines, reached

    figures = reached(bundles)
    costs = {name: measure(name) for name in NETWORKS}
    if as_json:
        listed = {name: asdict(cost) for name, cost in costs.items()}
        print(json.dumps({"costs": listed, "reached": figures}, indent=1))
    else:
        print("\n".join(cost_lines(costs, figures)))
    return 0


def _trainings(bundles: list[Path], as_json: bool) -> int:
    require_extra("lab")
    from pneumoscope.lab.trainings import read_training, training_lines

    trainings = [read_training(bundle) for bundle in bundles]
    if as_json:
        print(json.dumps([asdict(training) for training in trainings], indent=1))
    else:
        print("\n".join(training_lines(trainings)))
    return 0
