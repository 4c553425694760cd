"""Plots as inline SVG that takes its colours from the page, so that one picture suits dark and
light. Matplotlib draws with stand-in colours, which are replaced by CSS variables."""

import io
import re
from collections.abc import Callable, Sequence
from typing import Any

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pneumoscope.core.report import Report

# stand-in → what the page makes of it. No two alike and none that matplotlib uses by itself.
INK, QUIET, GRID, ACCENT, SECOND = "#010203", "#020304", "#030405", "#040506", "#050607"
_VARIABLES = {
    INK: "var(--ink)",
    QUIET: "var(--quiet)",
    GRID: "var(--line)",
    ACCENT: "var(--accent)",
    SECOND: "var(--second)",
}
_STYLE: Any = {
    "svg.fonttype": "none",
    "svg.hashsalt": "pneumoscope",
    "font.family": "sans-serif",
    "font.size": 9,
    "axes.edgecolor": GRID,
    "axes.labelcolor": QUIET,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": GRID,
    "grid.linewidth": 0.5,
    "xtick.color": QUIET,
    "ytick.color": QUIET,
    "text.color": INK,
    "lines.linewidth": 1.6,
    "lines.solid_capstyle": "round",
    "legend.frameon": False,
}


def svg(draw: Callable[[Axes], None], label: str, size: tuple[float, float] = (3.4, 3.0)) -> str:
    """One plot as an SVG element, with `label` for those who cannot see it. size: inches."""
    with rc_context(_STYLE):
        figure = Figure(figsize=size, layout="constrained")
        axes = figure.add_subplot()
        draw(axes)
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    return _inline(buffer.getvalue(), label)


def _inline(text: str, label: str) -> str:
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r"font: ([0-9.]+)px [^;\"]+", r"font: \1px var(--font)", text)
    for stand_in, variable in _VARIABLES.items():
        text = text.replace(stand_in, variable)
    text = re.sub(r' (width|height)="[0-9.]+pt"', "", text, count=2)
    return text.replace("<svg ", f'<svg role="img" aria-label="{label}" ', 1)


def roc(report: Report) -> str:
    def draw(axes: Axes) -> None:
        axes.plot([0, 1], [0, 1], color=GRID, linewidth=1)
        axes.plot(*zip(*report["curves"]["roc"], strict=True), color=ACCENT)
        figures = report["figures"]
        axes.plot(
            1 - figures["specificity"][0], figures["sensitivity"][0], "o", color=INK, markersize=5
        )
        _unit(axes, "1 − specificity", "Sensitivity")

    return svg(draw, "ROC curve; the dot is the threshold in use")


def precision_recall(report: Report) -> str:
    def draw(axes: Axes) -> None:
        prevalence = report["ill"] / report["images"]
        axes.plot([0, 1], [prevalence, prevalence], color=GRID, linewidth=1)
        axes.plot(*zip(*report["curves"]["precision_recall"], strict=True), color=ACCENT)
        _unit(axes, "Recall (sensitivity)", "Precision")

    return svg(draw, "Precision–recall curve; the level line is the share of the ill")


def calibration(report: Report) -> str:
    def draw(axes: Axes) -> None:
        axes.plot([0, 1], [0, 1], color=GRID, linewidth=1)
        predicted, observed, images = zip(*report["curves"]["calibration"], strict=True)
        axes.plot(predicted, observed, color=ACCENT, linewidth=1)
        axes.scatter(predicted, observed, s=[10 + 0.4 * n for n in images], color=ACCENT)
        _unit(axes, "Probability given", "Share that was ill")

    return svg(draw, "Calibration curve in tenths of the images")


def decision(report: Report) -> str:
    def draw(axes: Axes) -> None:
        threshold, model, everybody = zip(*report["curves"]["decision"], strict=True)
        axes.axhline(0, color=QUIET, linewidth=0.8)
        axes.plot(threshold, everybody, color=SECOND, linewidth=1.2, linestyle=(0, (4, 2)))
        axes.plot(threshold, model, color=ACCENT)
        axes.set_ylim(-0.1, max(model) * 1.1 + 0.01)
        axes.set_xlim(0, 1)
        axes.set_xlabel("Probability at which one would treat")
        axes.set_ylabel("Net benefit")

    return svg(draw, "Decision curve: the model, and treating everybody (dashed)")


def distribution(report: Report) -> str:
    def draw(axes: Axes) -> None:
        well, ill = report["curves"]["distribution"]
        places = [(i + 0.5) / len(well) for i in range(len(well))]
        width = 0.9 / len(well)
        axes.bar(places, ill, width, color=ACCENT)
        axes.bar(places, [-n for n in well], width, color=SECOND)
        axes.axhline(0, color=QUIET, linewidth=0.8)
        axes.axvline(report["threshold"], color=INK, linewidth=1, linestyle=(0, (4, 2)))
        axes.set_xlim(0, 1)
        axes.yaxis.set_major_formatter(lambda value, _: f"{abs(value):g}")
        axes.set_xlabel("Probability given")
        axes.set_ylabel("Images: well ↓  ill ↑")

    return svg(draw, "Distribution of the probability, ill above and well below")


def robustness(rows: Sequence[Report], clean: Report) -> str:
    """One corruption: AUROC and the share refused over the degrees."""

    def draw(axes: Axes) -> None:
        degrees = [0, *(row["degree"] for row in rows)]
        for key, colour, dash in (("auroc", ACCENT, "-"), ("refused", SECOND, (0, (4, 2)))):
            values = [row[key] for row in (clean, *rows)]
            known = [(d, v) for d, v in zip(degrees, values, strict=True) if v is not None]
            if known:
                axes.plot(
                    *zip(*known, strict=True), "o", linestyle=dash, markersize=3, color=colour
                )
        axes.set_ylim(-0.03, 1.03)
        axes.set_xticks(degrees, ["clean", *(f"{row['strength']:g}" for row in rows)], fontsize=6.5)
        axes.set_title(rows[0]["corruption"], fontsize=9, loc="left")

    return svg(draw, f"Robustness against {rows[0]['corruption']}", size=(2.5, 1.9))


def _unit(axes: Axes, x: str, y: str) -> None:
    axes.set_xlim(-0.02, 1.02)
    axes.set_ylim(-0.02, 1.02)
    axes.set_xlabel(x)
    axes.set_ylabel(y)
