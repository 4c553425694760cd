"""The command from end to end: sets chosen, measured, entered in the ledger, written."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pneumoscope.core.bundle import Bundle
from pneumoscope.core.errors import PneumoscopeError
from pneumoscope.core.report import Report
from pneumoscope.lab.evaluation.evaluate import Extras, Plan, evaluate, heading, load, write_json
from pneumoscope.lab.evaluation.gate import gate_report
from pneumoscope.lab.evaluation.ledger import write_ledger
from pneumoscope.lab.evaluation.page import write_page
from pneumoscope.lab.evaluation.plans import hannover_plan, labelled_plan, nih_plan
from pneumoscope.lab.evaluation.targets import forward_pass, target_rows, targets_gate


class NoLedger(PneumoscopeError):
    """A test split was to be read without a place to say so."""

    code = "no_ledger"
    remedy = "Give --ledger FILE: every look at a test split is written down."


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked for. kind: kermany, manifest, nih_rsna, hannover, gate or targets.

    test: with targets, whether the official test split is among the sets. Without it a training
    can be compared with others as often as needed: only adults are read, and no ledger is.
    """

    model: Path
    data: Sequence[Path]
    kind: str
    against: Path | None = None
    targets: Path | None = None
    test: bool = True
    split: str = "test"
    boxes: Path | None = None
    normals: Path | None = None
    refuse: Sequence[Path] = ()
    robustness: int = 0
    masks: bool = False
    pictures: bool = False
    ledger: Path | None = None


def measure(request: Request, out: Path) -> Report:
    """Write `out/report.json` and `out/report.html`; return the report.

    Raises NoLedger before a test split is read without one, DataError, BundleError.
    """
    bundle = load(request.model)
    against = load(request.against) if request.against else None
    plans = _plans(request, bundle)
    if any(plan.is_test for plan in plans) and request.ledger is None:
        raise NoLedger("This reads a test split, and there is no ledger.")
    report = heading(bundle)
    extras = Extras(request.robustness, request.masks, request.pictures)
    report["sets"] = {
        plan.name: _measured(plan, bundle, against, extras, request.ledger) for plan in plans
    }
    if request.kind == "gate":
        report["sets"]["gate"] = gate_report(bundle, refuse=request.refuse, read=request.data)
    if request.targets:
        if request.test:
            report["sets"]["gate"] = targets_gate(bundle, request.targets)
            report["speed"] = forward_pass(request.model)
        report["targets"] = target_rows(report["sets"], report.get("speed"))
    write_json(report, out / "report.json")
    write_page(report, out / "report.html")
    return report


def _plans(request: Request, bundle: Bundle) -> list[Plan]:
    if request.targets:
        root = request.targets
        adults = [
            nih_plan(root / "nih_adult"),
            hannover_plan(root / "hannover_covid", root / "nih_adult"),
        ]
        if not request.test:
            return adults
        return [labelled_plan("kermany", [root / "chest_xray"], "test", bundle.card), *adults]
    match request.kind:
        case "gate":
            return []
        case "nih_rsna":
            return [nih_plan(request.data[0], request.boxes)]
        case "hannover":
            return [hannover_plan(request.data[0], request.normals or request.data[0])]
        case kind:
            card = bundle.card
            return [labelled_plan(kind, request.data, request.split, card, request.boxes)]


def _measured(
    plan: Plan, bundle: Bundle, against: Bundle | None, extras: Extras, ledger: Path | None
) -> Report:
    """The set's report; a look at a test split is in the ledger before anyone sees it, and a
    second bundle's look is a look of its own."""
    report = evaluate(bundle, plan, extras, against=against)
    if plan.is_test and ledger is not None:
        date = heading(bundle)["date"]
        write_ledger(ledger, bundle, date, report)
        if against and (compared := report["against"]):
            write_ledger(ledger, against, date, compared["second"])
    return report
