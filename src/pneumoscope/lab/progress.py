"""What a run says of itself: time left while it goes, a line, curves and logs after every epoch."""

import json
import logging
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple, Self

from matplotlib.figure import Figure
from torch.utils.tensorboard.writer import SummaryWriter

from pneumoscope.lab.distributed import from_first, this_process

logger = logging.getLogger(__name__)
SECONDS_BETWEEN_LINES = 10.0


class Figures(NamedTuple):
    """Of the averaged weights on the validation fold.

    validation_loss: mean −log P(label) in nats. validation_auroc: of P(pneumonia); None where the
    fold holds one class only.
    """

    validation_loss: float
    validation_accuracy: float
    validation_auroc: float | None


@dataclass(frozen=True, slots=True)
class EpochRecord:
    """One line of progress.jsonl: the loss as trained, weighted and smoothed, and `Figures`."""

    epoch: int
    loss: float
    validation_loss: float
    validation_accuracy: float
    seconds: float
    validation_auroc: float | None = None

    @property
    def sentence(self) -> str:
        auroc = "–" if self.validation_auroc is None else f"{self.validation_auroc:.4f}"
        return (
            f"epoch {self.epoch}: loss {self.loss:.4f}, {self.seconds:.0f} s; on the validation "
            f"fold loss {self.validation_loss:.4f}, accuracy {self.validation_accuracy:.4f}, "
            f"AUROC {auroc}"
        )


class Pace:
    """Logs every ten seconds how far a training is and how long it will take."""

    def __init__(self, steps_left: int, batch_size: int) -> None:
        self.steps_left = steps_left
        self.batch_size = batch_size
        self.steps = 0
        self.started = self.spoken = time.monotonic()

    def step(self) -> bool:
        """Count one. True when it is time for a line."""
        self.steps += 1
        due = time.monotonic() - self.spoken >= SECONDS_BETWEEN_LINES
        if due:
            self.spoken = time.monotonic()
        return due

    def __str__(self) -> str:
        per_step = (time.monotonic() - self.started) / max(1, self.steps)
        minutes = per_step * (self.steps_left - self.steps) / 60
        left = f"{minutes:.0f} min" if minutes < 100 else f"{minutes / 60:.1f} h"
        return f"{self.batch_size / per_step:.0f} images/s, {left} left"


class Journal:
    """The records of a run in `out`: progress.jsonl, curves.png, tensorboard/.

    Every process keeps the records, the first alone writes. epochs: how many the checkpoint holds;
    lines beyond are of an epoch that a kill undid and that will be trained again.
    """

    def __init__(self, out: Path, epochs: int) -> None:
        self.out = out
        self.writes = this_process().first
        kept = [record for record in read_records(out) if record.epoch <= epochs]
        self.records = from_first(kept)
        self.writer: Any = None
        if self.writes:
            lines = "".join(map(_line, self.records))
            (out / "progress.jsonl").write_text(lines, encoding="utf-8")
            self.writer = SummaryWriter(str(out / "tensorboard"), purge_step=epochs + 1)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.writes:
            self.writer.close()

    def add(self, record: EpochRecord) -> None:
        self.records.append(record)
        if not self.writes:
            return
        logger.info("%s", record.sentence)
        with (self.out / "progress.jsonl").open("a", encoding="utf-8") as file:
            file.write(_line(record))
        for name, value in asdict(record).items():
            if name != "epoch" and value is not None:
                self.writer.add_scalar(name, value, record.epoch)
        self.writer.flush()
        draw_curves(self.records, self.out / "curves.png")

    @property
    def best(self) -> int:
        """The epoch with the lowest validation loss; 0 before the first."""
        lowest = min(self.records, key=lambda record: record.validation_loss, default=None)
        return lowest.epoch if lowest else 0

    def waited(self, patience: int) -> bool:
        """Whether `patience` epochs have passed since the best one; never for 0."""
        return patience > 0 and len(self.records) - self.best >= patience


def _line(record: EpochRecord) -> str:
    return json.dumps(asdict(record)) + "\n"


def read_records(out: Path) -> list[EpochRecord]:
    """Every whole line of out/progress.jsonl; empty where there is none."""
    path = out / "progress.jsonl"
    if not path.is_file():
        return []
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    return [EpochRecord(**json.loads(line)) for line in lines if line.endswith("\n")]


def draw_curves(records: list[EpochRecord], path: Path) -> None:
    """Loss on the left; accuracy and AUROC on the validation fold on the right."""
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    epochs = [record.epoch for record in records]
    left.plot(epochs, [r.loss for r in records], ".-", color="#888888", label="training")
    left.plot(
        epochs, [r.validation_loss for r in records], ".-", color="#0b6e6e", label="validation"
    )
    left.set(xlabel="epoch", ylabel="loss (nats)")
    accuracy = [r.validation_accuracy for r in records]
    auroc = [float("nan") if r.validation_auroc is None else r.validation_auroc for r in records]
    right.plot(epochs, accuracy, ".-", color="#b5651d", label="accuracy")
    right.plot(epochs, auroc, ".-", color="#0b6e6e", label="AUROC of pneumonia")
    right.set(xlabel="epoch", ylabel="validation fold")
    for axes in (left, right):
        axes.legend(frameon=False)
        axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=110)
