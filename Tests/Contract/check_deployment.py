"""The shipped files agree with the services: settings that exist, probes that are served."""

import pathlib
import re
import sys

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
IMAGES_OWN_SETTINGS = ("POSTGRES_",)


def documented_settings():
    """The keys of docs/configuration.md, which a test holds against the code."""
    text = (ROOT / "docs/configuration.md").read_text(encoding="utf-8")
    return set(re.findall(r"`([A-Z][A-Z0-9_]{3,})`", text))


def setting_faults(where, names, known):
    """Yields settings that no service reads."""
    for name in names:
        if name not in known and not name.startswith(IMAGES_OWN_SETTINGS):
            yield f"{where}: no service reads {name}"


def compose_faults(known):
    """Yields what is wrong with docker-compose.yml."""
    document = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
    for name, service in document["services"].items():
        yield from setting_faults(f"docker-compose.yml {name}", service.get("environment", {}), known)
        for dependency in service.get("depends_on", {}):
            if dependency not in document["services"]:
                yield f"docker-compose.yml {name}: depends on {dependency}, which is not there"
        if name != "postgres" and service.get("read_only") is not True:
            yield f"docker-compose.yml {name}: not read-only"
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            if source.startswith("./") and not (ROOT / source).exists():
                yield f"docker-compose.yml {name}: {source} is not there"


def containers(document):
    """Yields the containers of a Kubernetes object that has pods."""
    template = document.get("spec", {}).get("template", {}).get("spec", {})
    yield from template.get("initContainers", [])
    yield from template.get("containers", [])


def kubernetes_faults(known):
    """Yields what is wrong with the Kubernetes manifests."""
    for path in sorted((ROOT / "deploy/kubernetes").glob("*.yaml")):
        for document in yaml.safe_load_all(path.read_text(encoding="utf-8")):
            metadata = document["metadata"]
            where = f"{path.name} {document['kind']}/{metadata.get('name') or metadata['generateName']}"
            for container in containers(document):
                names = [entry["name"] for entry in container.get("env", [])]
                yield from setting_faults(where, names, known)
                security = container.get("securityContext", {})
                if not (security.get("readOnlyRootFilesystem") and security.get("allowPrivilegeEscalation") is False):
                    yield f"{where}: {container['name']} may write or gain privileges"
                for probe in ("livenessProbe", "readinessProbe"):
                    target = container.get(probe, {}).get("httpGet", {}).get("path")
                    if target and target not in ("/health/live", "/health/ready", "/proxy/health"):
                        yield f"{where}: {probe} asks for {target}"


def main():
    known = documented_settings()
    faults = [*compose_faults(known), *kubernetes_faults(known)]
    for fault in faults:
        print(f"  {fault}")
    print(f"compose and Kubernetes files: {len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
