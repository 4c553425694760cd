"""What became of each input and nothing else of it: `predict … | python docs/outcomes.py`.

Reads records (pneumoscope.core.record) and writes the part of them that docs/measured may hold.
"""

import json
import sys

KEPT = ("path", "status", "code", "reason", "probability", "uncertain", "quality")


def main() -> None:
    for line in sys.stdin:
        record = json.loads(line)
        kept = {key: record[key] for key in KEPT}
        sys.stdout.write(json.dumps(kept, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
