"""Holds rendered manifests against the schemas of the last four versions of Kubernetes and of the kinds that the
Prometheus operator and the Gateway API bring, strictly: a field that is not known is an error.

Usage: validate.py CRDS < manifests.yaml
CRDS is a folder of CustomResourceDefinitions. Prints one line for each error; exit code 1 when there is one.
"""

import functools
import pathlib
import sys

import jsonschema
import kubernetes_validate
import yaml
from kubernetes_validate import utils

VERSIONS = ("1.34", "1.35", "1.36", "1.37")

# The tool reads the definitions, some megabytes, for every single object.
utils.schema_contents = functools.lru_cache(maxsize=None)(utils.schema_contents)


def closed(schema):
    """A schema of a CRD in which an object has no other fields than those that are named, as the API server's pruning
    has it."""
    if isinstance(schema, list):
        return [closed(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    made = {
        key: {name: closed(part) for name, part in value.items()} if key == "properties" else closed(value)
        for key, value in schema.items()
        if not key.startswith("x-kubernetes-")
    }
    if schema.get("x-kubernetes-int-or-string"):
        made.pop("type", None)
    if "properties" in schema and not schema.get("x-kubernetes-preserve-unknown-fields"):
        made["additionalProperties"] = False
    return made


def custom_schemas(folder):
    found = {}
    for path in sorted(pathlib.Path(folder).glob("*.yaml")):
        for crd in yaml.safe_load_all(path.read_text()):
            if not crd or crd.get("kind") != "CustomResourceDefinition":
                continue
            names, group = crd["spec"]["names"], crd["spec"]["group"]
            for version in crd["spec"]["versions"]:
                schema = version["schema"]["openAPIV3Schema"]
                # The API server knows what metadata is.
                schema["properties"]["metadata"] = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
                key = (f"{group}/{version['name']}", names["kind"])
                found[key] = jsonschema.Draft202012Validator(closed(schema))
    if not found:
        sys.exit(f"{folder} holds no CustomResourceDefinition")
    return found


def errors_of(manifest, custom):
    kind = (manifest["apiVersion"], manifest["kind"])
    if kind in custom:
        for error in custom[kind].iter_errors(manifest):
            yield f"{error.json_path}: {error.message}"
        return
    for version in VERSIONS:
        try:
            kubernetes_validate.validate(manifest, version, strict=True)
        except kubernetes_validate.ValidationError as error:
            yield f"{version}: {'.'.join(map(str, error.path))}: {error.message}"
        except kubernetes_validate.SchemaNotFoundError as error:
            yield f"{version}: {error.message}"


def main():
    custom = custom_schemas(sys.argv[1])
    seen, failed = 0, 0
    for manifest in yaml.safe_load_all(sys.stdin):
        if not manifest:
            continue
        seen += 1
        for error in errors_of(manifest, custom):
            failed += 1
            print(f"{manifest['kind']}/{manifest['metadata']['name']}: {error}")
    if not seen:
        sys.exit("no manifest on standard input")
    if failed:
        sys.exit(1)
    print(f"{seen} manifests fit {', '.join(VERSIONS)}")


main()
