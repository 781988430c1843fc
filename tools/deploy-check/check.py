"""Hold objects against the published schemas of Kubernetes 1.33 to 1.36, strictly.

    check.py FILE...

Says of each release how many objects fit; 1 when one does not. What is seen is what a schema says:
fields that there are (an unknown one is refused), their types, what is required. Not seen are rules
between fields, defaults and admission; those are the API server's (tests/kubernetes). Kinds of CRDs
are in no release and are passed over by name.
"""
# ruff: noqa: T201 - a command that prints

import sys
from pathlib import Path
from typing import Any

import kubernetes_validate
import yaml

RELEASES = ("1.33", "1.34", "1.35", "1.36")
CRDS = {"HTTPRoute"}


def main(files: list[str]) -> int:
    """0 when all fit everywhere."""
    bodies = [
        (Path(file).stem, body)
        for file in files
        for body in yaml.safe_load_all(Path(file).read_text())
        if body is not None
    ]
    known = [(file, body) for file, body in bodies if body["kind"] not in CRDS]
    wrong = 0
    for release in RELEASES:
        found = [said for file, body in known if (said := problem(file, body, release))]
        wrong += len(found)
        for said in found:
            print(said)
        print(f"{release}: {len(known) - len(found)} of {len(known)} objects fit")
    print(f"Passed over, as no release has them: {len(bodies) - len(known)} of {sorted(CRDS)}")
    return 1 if wrong or not known else 0


def problem(file: str, body: dict[str, Any], release: str) -> str | None:
    """What is wrong with an object, and where."""
    name = f"{release}: {file}: {body['kind']}/{body['metadata']['name']}"
    try:
        kubernetes_validate.validate(body, release, strict=True)
    except kubernetes_validate.ValidationError as error:
        return f"{name}: {'.'.join(map(str, error.path))}: {error.message}"
    except kubernetes_validate.SchemaNotFoundError as error:
        return f"{name}: {error}"
    return None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
