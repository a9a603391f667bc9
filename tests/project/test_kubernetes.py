"""The manifests: valid for Kubernetes, and as safe as they say. No cluster is asked."""

import re
from pathlib import Path

import kubernetes_validate
import pytest
import yaml
from django.conf import settings

from accounts.client_addresses import trusted_proxies
from aditus.lifespan import SETTLING_SECONDS

pytestmark = pytest.mark.any_database

FOLDERS = [Path(settings.BASE_DIR, "deploy", name) for name in ("kubernetes", "kubernetes-autoscaling")]
# The oldest release that is maintained, and the newest that the schemas know.
RELEASES = ["1.34", "1.37"]


def manifests(folder):
    """What the kustomization of a folder brings, as it is written; its patches are left out."""
    listed = yaml.safe_load(Path(folder, "kustomization.yaml").read_text())["resources"]
    files = [folder / name for name in listed if name.endswith(".yaml")]
    return [document for file in files for document in yaml.safe_load_all(file.read_text())]


BASE = manifests(FOLDERS[0])
TEMPLATES = {
    one["metadata"]["name"]: one["spec"]["template"] for one in BASE if "template" in one.get("spec", {})
}
PODS = {name: template["spec"] for name, template in TEMPLATES.items()}


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_every_manifest_is_valid(folder, release):
    for manifest in manifests(folder):
        kubernetes_validate.validate(manifest, release, strict=True)


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_every_file_is_used(folder):
    kustomization = yaml.safe_load(Path(folder, "kustomization.yaml").read_text())
    used = set(kustomization["resources"]) | {patch["path"] for patch in kustomization.get("patches", [])}

    assert {file.name for file in folder.glob("*.yaml")} - {"kustomization.yaml"} <= used
    assert all(Path(folder, name).exists() for name in used)


def test_the_validator_sees_what_is_wrong():
    """The negative control."""
    wrong = {**BASE[-1], "spec": {"podSelector": {}, "policyType": ["Egress"]}}

    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, RELEASES[0], strict=True)


@pytest.mark.parametrize("name", PODS)
def test_no_pod_runs_as_root_or_writes_where_it_should_not(name):
    pod, [container] = PODS[name], PODS[name]["containers"]

    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["runAsUser"] == user_of_the_image()
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod["automountServiceAccountToken"] is False
    assert container["securityContext"] == {
        "readOnlyRootFilesystem": True,
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
    }
    assert container["resources"]["limits"]["memory"]
    assert {mount["mountPath"] for mount in container["volumeMounts"]} == {"/data", "/tmp"}


def user_of_the_image():
    [uid] = re.findall(r"--uid (\d+)", Path(settings.BASE_DIR, "Dockerfile").read_text())
    return int(uid)


@pytest.mark.parametrize("name", PODS)
def test_secrets_are_referred_to_and_stand_nowhere(name):
    [container] = PODS[name]["containers"]
    [configuration] = [one["data"] for one in BASE if one["kind"] == "ConfigMap"]

    assert {"secretRef": {"name": "aditus"}} in container["envFrom"]
    assert "env" not in container
    assert not [one for one in BASE if one["kind"] == "Secret"]
    assert not re.findall(r"KEY|PASSWORD|TOKEN|_URL", " ".join(configuration))


def test_what_makes_calls_is_given_the_time_to_end_them():
    ends = settings.SHUTDOWN_SECONDS + SETTLING_SECONDS

    for name in ("web", "worker-interactive", "worker-batch", "worker-upkeep"):
        assert PODS[name]["terminationGracePeriodSeconds"] > ends + 10


def test_each_queue_has_a_worker():
    taken = [
        container["command"][container["command"].index("--queues") + 1]
        for pod in PODS.values()
        for container in pod["containers"]
        if "--queues" in container.get("command", [])
    ]

    assert sorted(taken) == sorted(queue.name for queue in settings.CELERY_TASK_QUEUES)


def test_every_selector_finds_pods_and_every_probe_an_address_that_is_there(client):
    selecting = [one["spec"]["selector"] for one in BASE if "selector" in one.get("spec", {})]
    selectors = [selector.get("matchLabels", selector) for selector in selecting]
    labels = [template["metadata"]["labels"] for template in TEMPLATES.values()]
    [web] = PODS["web"]["containers"]
    probes = {kind: web[f"{kind}Probe"]["httpGet"] for kind in ("startup", "liveness", "readiness")}

    assert selectors
    for selector in selectors:
        assert any(selector.items() <= one.items() for one in labels)
    # The kubelet calls a pod by its address, which only the first two are answered at.
    assert {probes[kind]["path"] for kind in ("startup", "liveness")} == {"/healthz"}
    assert probes["readiness"]["path"] == "/readyz"
    assert probes["readiness"]["httpHeaders"] == [{"name": "Host", "value": "localhost"}]
    assert "localhost" in settings.ALLOWED_HOSTS


def test_the_client_s_address_is_the_one_that_the_ingress_saw():
    [configuration] = [one["data"] for one in BASE if one["kind"] == "ConfigMap"]
    [policy] = [one["spec"] for one in BASE if one["metadata"]["name"] == "ingress-to-web"]

    assert trusted_proxies(configuration["TRUSTED_PROXIES"]) == 1
    assert policy["podSelector"]["matchLabels"] == {"app.kubernetes.io/name": "web"}


def test_the_metadata_service_of_clouds_cannot_be_reached():
    [out] = [one["spec"] for one in BASE if one["metadata"]["name"] == "out"]
    blocks = [to["ipBlock"] for rule in out["egress"] for to in rule.get("to", []) if "ipBlock" in to]

    assert "169.254.0.0/16" in blocks[0]["except"]


def test_no_apply_sets_the_number_that_an_autoscaler_keeps():
    folder = FOLDERS[1]
    kustomization = yaml.safe_load(Path(folder, "kustomization.yaml").read_text())
    freed = {
        patch["target"]["name"]
        for patch in kustomization["patches"]
        if "target" in patch and "/spec/replicas" in Path(folder, patch["path"]).read_text()
    }
    scaled = {
        one["spec"]["scaleTargetRef"]["name"]
        for one in BASE + manifests(folder)
        if one["kind"] == "HorizontalPodAutoscaler"
    }
    fixed = {one["metadata"]["name"] for one in BASE if "replicas" in one.get("spec", {})}

    assert scaled >= {"web", "worker-interactive", "worker-batch"}
    assert not scaled & fixed - freed
