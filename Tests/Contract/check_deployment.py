"""The shipped files agree with the services: settings that exist, paths that reach their owner, probes that are served."""

import json
import os
import pathlib
import re
import sys

import httpx
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
UPSTREAMS = {"order": "order_service", "after_sales": "after_sales_service", "notify": "notify_service"}
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


def proxy_faults(urls):
    """Yields operations that the proxy would send to somebody else."""
    text = (ROOT / "deploy/proxy/nginx.conf").read_text(encoding="utf-8")
    table = re.search(r"map \$uri \$service \{(.*?)\n    \}", text, re.S).group(1)
    rules = re.findall(r"^\s*~(\S+)\s+(\w+);", table, re.M)
    for service, url in urls.items():
        for path in httpx.get(f"{url}/openapi.json").raise_for_status().json()["paths"]:
            if not path.startswith("/v1/"):
                continue
            example = re.sub(r"{\w+}", "x", path)
            owner = next((target for pattern, target in rules if re.search(pattern, example)), None)
            if owner != UPSTREAMS[service]:
                yield f"nginx.conf: {path} of {service} goes to {owner}"


def main():
    with open(os.environ["CREDENTIALS"], encoding="utf-8") as file:
        urls = json.load(file)["urls"]
    known = documented_settings()
    faults = [*compose_faults(known), *kubernetes_faults(known), *proxy_faults(urls)]
    for fault in faults:
        print(f"  {fault}")
    print(f"compose, Kubernetes and proxy files: {len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
