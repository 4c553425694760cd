"""Sections of what is measured only where asked for: place, shortcuts, robustness, a rival."""

from collections.abc import Callable, Iterator

from pneumoscope.core.report import TITLES, Report, number, percent, span
from pneumoscope.core.section import Section

_DEGREES = (1, 3, 5)


def extra_sections(part: Report) -> Iterator[Section]:
    for key, section in _EXTRAS.items():
        if found := part.get(key):
            yield section(found)


def _localisation(found: Report) -> Section:
    chosen = found["miou_at_chosen_level"]
    levels = " and ".join(f"{level:.2f}" for level in chosen["levels"])
    rows = [
        ("pointing game: brightest point in a box", found["pointing"]),
        ("the same within 15 pixels of one", found["pointing_within_15_px"]),
        ("a point thrown at random", number(found["pointing_by_chance"])),
        (f"mIoU at the shipped level {found['level']:.2f}", found["miou"]),
        (f"mIoU at the level best on the other half ({levels})", chosen["miou"]),
    ]
    intro = f"{found['true_positives']} true positives of {found['boxed_images']} boxed images."
    return Section("Localisation", ("what", "figure"), rows, [intro])


def _masks(found: Report) -> Section:
    rows = [
        (
            f"{row['mask']}, {percent(row['share'], 0)} of the side",
            number(row["auroc"]),
            percent(row["changed_decisions"]),
        )
        for row in found["rows"]
    ]
    intro = (
        f"AUROC with nothing masked {number(found['auroc'])}. With border or corners masked it\n"
        "should stay; with the border alone it should be near 0.5."
    )
    return Section("Shortcuts", ("mask", "AUROC", "decisions changed"), rows, [intro])


def _robustness(found: Report) -> Section:
    """The mildest, the middle and the strongest degree; report.html draws all five."""
    intro = (
        f"AUROC of what was read, and the share refused, on {found['images']} radiographs; clean\n"
        f"{number(found['clean']['auroc'])}, {percent(found['clean']['refused'])}.\n"
        "In brackets the strength: standard deviation of the noise (grey is 0 to 1), radius of\n"
        "the blur and width cropped (shares of the side), factor of the contrast, degrees, JPEG\n"
        "quality, pixels left."
    )
    cells: dict[str, list[str]] = {}
    for row in found["rows"]:
        if row["degree"] in _DEGREES:
            told = f"{number(row['auroc'])}, {percent(row['refused'])} ({row['strength']:g})"
            cells.setdefault(row["corruption"], []).append(told)
    head = ("corruption", *(f"degree {degree} of 5" for degree in _DEGREES))
    return Section("Robustness", head, [(name, *told) for name, told in cells.items()], [intro])


def _against(found: Report) -> Section:
    model, delong, mcnemar = found["model"], found["delong"], found["mcnemar"]
    rows = [
        (TITLES[name], row["difference"], number(row["p"], 4))
        for name, row in found["differences"].items()
    ]
    intro = (
        f"This model less {model['name']} {model['version']}, {found['images']} images; bootstrap "
        "over patients, in the same draws for both."
    )
    note = (
        f"DeLong: difference of AUROC {number(delong['difference'][0])} "
        f"({span(delong['difference'])}), p = {number(delong['p'], 4)}. McNemar: "
        f"{mcnemar['only_first_right']} right only here, {mcnemar['only_second_right']} right only "
        f"there, p = {number(mcnemar['p'], 4)}."
    )
    return Section("Against another model", ("figure", "difference", "p"), rows, [intro], [note])


_EXTRAS: dict[str, Callable[[Report], Section]] = {
    "localisation": _localisation,
    "masks": _masks,
    "robustness": _robustness,
    "against": _against,
}
