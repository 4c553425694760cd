"""Write golden/samples.json for the bundle that ships: `cd tests; python -m core.write_goldens`."""

import json
from pathlib import Path

from pneumoscope.core.bundle import bundle_find, load_bundle
from pneumoscope.core.pipeline import analyze

TESTS = Path(__file__).parents[1]


def main() -> None:
    bundle = load_bundle(bundle_find())
    golden = {}
    for path in sorted((TESTS.parent / "samples").glob("*.jpg")):
        prediction = analyze(path.read_bytes(), bundle).prediction
        golden[path.name] = round(prediction.probability, 6) if prediction else None
    content = json.dumps({"hash": bundle.hash, "probability": golden}, indent=2)
    (TESTS / "golden" / "samples.json").write_text(content + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
