"""Whether a patient and a view lie within what a model was validated on."""

from collections.abc import Collection, Iterator

from pneumoscope.core.types import Reason

POPULATION_CODES = frozenset({"age_outside_population", "view_outside_population"})


def population_reasons(
    *, age: float | None, view: str, ages: tuple[float, float], views: Collection[str]
) -> Iterator[Reason]:
    """What to warn of. age: years, None where not known. view: DICOM ViewPosition, "" likewise.

    ages: lowest and highest of the validated population, years; views: its ViewPositions.
    """
    low, high = ages
    if age is not None and not low <= age <= high:
        yield Reason(
            "age_outside_population",
            f"The patient is {age:g} years old; the model was validated on patients "
            f"of {low:g} to {high:g} years. Read the result with care.",
        )
    if view and view not in views:
        yield Reason(
            "view_outside_population",
            f"View {view}; the model was validated on {', '.join(views)}.",
        )
