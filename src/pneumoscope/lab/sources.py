"""Where examples come from: one folder, one manifest, or several of them together."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from pneumoscope.lab.data import DataError, DataRecipe, Example
from pneumoscope.lab.duplicates import drop_duplicates
from pneumoscope.lab.kermany import read_folders
from pneumoscope.lab.manifest import read_manifest, unread_columns


class NoExamples(DataError):
    """A place that holds nothing labelled."""

    code = "no_examples"
    remedy = "Give a manifest, or a folder with manifest.csv or train/NORMAL and train/PNEUMONIA."


def read_examples(root: Path) -> list[Example]:
    """Read a manifest: `root` itself or `root/manifest.csv`; or else the Kermany folders
    {train,val,test}/{NORMAL,PNEUMONIA} in `root`.

    Sorted by path, so that an index means the same image on every machine.
    Raises NoExamples, or ManifestError for rows that cannot be understood.
    """
    manifest = _manifest(root)
    examples = read_manifest(manifest) if manifest else read_folders(root)
    if not examples:
        raise NoExamples(
            f"{manifest} has no rows."
            if manifest
            else f"There is no manifest.csv and no radiograph in train/NORMAL, train/PNEUMONIA, "
            f"val/… and test/… of {root}."
        )
    return sorted(examples, key=lambda example: example.path)


def columns_passed_over(roots: Sequence[Path]) -> dict[str, list[str]]:
    """Of every manifest among the roots the columns that nothing is read from; {} without such."""
    manifests = [manifest for root in roots if (manifest := _manifest(root))]
    found = {str(manifest): unread_columns(manifest) for manifest in manifests}
    return {manifest: columns for manifest, columns in found.items() if columns}


def _manifest(root: Path) -> Path | None:
    manifest = root if root.is_file() else root / "manifest.csv"
    return manifest if manifest.is_file() else None


def read_sources(roots: Sequence[Path]) -> list[Example]:
    """`read_examples` of every root, in the order given.

    Among several roots one without sites is a site by its folder's name, and its name begins its
    patients', so that the same number at two hospitals stays two people.
    """
    if len(roots) == 1:
        return read_examples(roots[0])
    return [_at_site(example, root) for root in roots for example in read_examples(root)]


def training_examples(roots: Sequence[Path], recipe: DataRecipe) -> list[Example]:
    """All that may be learned from: `read_sources` without the test splits, and without duplicates
    where the recipe says so. Raises NoExamples, or what `read_sources` raises."""
    examples = [example for example in read_sources(roots) if example.split != "test"]
    if not examples:
        raise NoExamples(f"{', '.join(map(str, roots))}: everything is in the test split.")
    return drop_duplicates(examples) if recipe.drop_duplicates else examples


def _at_site(example: Example, root: Path) -> Example:
    if example.site:
        return example
    site = (root.parent if root.is_file() else root).resolve().name
    return replace(example, site=site, patient=f"{site}/{example.patient}")
