"""Clusters on a command line: what looks, what is looked at when an alert has fired, what changes."""

from typing import Any

import pytest

from keepwell.composition import verbs
from keepwell.rooms.manual.importing.model import Disposition, Fate, Wanting
from keepwell.rooms.manual.importing.recognise.cluster_tools import RECOGNISER as TOOLS
from keepwell.rooms.manual.importing.recognise.kubectl import RECOGNISER
from keepwell.rooms.manual.importing.registry import all_recognisers
from keepwell.rooms.manual.importing.views import views
from keepwell.rooms.manual.reading.document import read_manual
from tests.importing_support import only_check, recognised


@pytest.mark.parametrize(
    ("line", "operation", "run"),
    [
        ("kubectl get deployment -n shop", "kubernetes.get", ["kubectl", "get", "deployment", "-n", "shop"]),
        ("kubectl -n shop top pods", "kubernetes.top.pods", ["kubectl", "-n", "shop", "top", "pods"]),
        ("oc get co network -ojson", "kubernetes.get", ["oc", "get", "co", "network", "-ojson"]),
    ],
)
def test_what_only_looks_is_a_check(line: str, operation: str, run: list[str]) -> None:
    found = recognised(RECOGNISER, line)
    assert (found.fate, found.disposition, found.operation) == (Fate.CHECK, Disposition.CARRIED, operation)
    assert only_check(found).settings == {"run": run}


@pytest.mark.parametrize(
    ("line", "settings"),
    [
        ("kubectl get deployment api -n shop", {"deployment": "api", "namespace": "shop"}),
        ("kubectl get deploy/api --context prod -o wide", {"deployment": "api", "context": "prod"}),
        ("kubectl rollout status deployment/api --timeout=60s", {"deployment": "api"}),
        ("kubectl get sts db", {"statefulset": "db"}),
        ("kubectl get hpa api -n shop", {"autoscaler": "api", "namespace": "shop"}),
        ("kubectl get pods -l app=api -n shop", {"pods": "app=api", "namespace": "shop"}),
        ("kubectl get pvc -n shop", {"claim": "*", "namespace": "shop"}),
        ("kubectl get nodes", {"nodes": True}),
        ("kubectl top nodes", {"nodes": True, "cpu": {}, "memory": {}}),
        ("kubectl top pods -l app=api", {"pods": "app=api", "cpu": {}, "memory": {}}),
    ],
)
def test_what_the_kind_knows_is_judged_by_it(line: str, settings: dict[str, Any]) -> None:
    draft = only_check(recognised(RECOGNISER, line))
    assert (draft.kind, draft.settings) == ("kubernetes", settings)
    assert verbs.check_problem("kubernetes", settings) == ""


@pytest.mark.parametrize(
    "line",
    [
        "oc get deployment api -n shop",
        "kubectl get pods -A -l app=api",
        "kubectl get deployment api web",
        "kubectl get deployment api -o jsonpath={.spec.replicas}",
        "kubectl get service api",
        "kubectl get nodes -l disk=ssd",
        "kubectl --kubeconfig /srv/shared/config get nodes",
        "kubectl get node worker-1",
        "kubectl top pods -n shop",
    ],
)
def test_what_the_kind_cannot_ask_stays_a_command(line: str) -> None:
    assert only_check(recognised(RECOGNISER, line)).kind == "command"


@pytest.mark.parametrize("section", ["Diagnosis", "Mitigation", "1. Investigate", "Operator diagnosis"])
def test_in_the_runbook_of_an_alert_only_one_thing_is_asked_for_all_the_time(section: str) -> None:
    listed = recognised(RECOGNISER, "kubectl get pods -n shop -l app=api", section)
    assert (listed.fate, listed.operation, listed.drafts) == (Fate.CHECK, "kubernetes.get", ())
    named = recognised(RECOGNISER, "kubectl get deployment api -n shop", section)
    assert only_check(named).settings == {"deployment": "api", "namespace": "shop"}


@pytest.mark.parametrize(
    ("line", "operation"),
    [
        ("kubectl scale deployment/api --replicas=5 -n shop", "kubernetes.scale"),
        ("kubectl rollout restart deployment/api", "kubernetes.rollout.restart"),
        ("kubectl patch deployment api -p '{\"spec\": {}}'", "kubernetes.patch"),
        ("kubectl apply -f shop.yaml", "kubernetes.apply"),
        ("kubectl delete pod api-1 -n shop", "kubernetes.delete"),
        ("kubectl create secret generic db --from-literal=url=x", "kubernetes.create.secret"),
        ("kubectl describe pod api-1", "kubernetes.describe"),
        ("kubectl get pods -w", "kubernetes.get"),
        ("kubectl drain node1 --ignore-daemonsets", "kubernetes.drain"),
        ("oc adm must-gather -- /usr/bin/gather_audit_logs", "kubernetes.adm.must_gather"),
        ("oc rsh -n shop api-1", "kubernetes.rsh"),
        ("name=\"$(kubectl get pods -A | grep api | awk '{print $1}')\"", "kubernetes.get"),
        ("kubectl describe pods | xargs kubectl delete pod", ""),
        ("kubectl delete pod api-1 --unheard-of", ""),
        ("kubectl unheard-of", ""),
    ],
)
def test_what_changes_tells_or_waits_is_a_step(line: str, operation: str) -> None:
    found = recognised(RECOGNISER, line, "Diagnosis")
    assert (found.fate, found.operation, found.drafts) == (Fate.STEP, operation, ())


def test_blanks_are_asked_for_when_the_step_is_run() -> None:
    found = recognised(RECOGNISER, "oc edit vm <vm-name> -n <namespace>", "Mitigation")
    assert (found.operation, found.disposition) == ("kubernetes.edit", Disposition.MISSING)
    assert [(missing.name, missing.wanting) for missing in found.missing] == [
        ("VM_NAME", Wanting.ARGUMENT),
        ("NAMESPACE", Wanting.ARGUMENT),
    ]


def test_a_namespace_that_a_script_sets_is_no_blank() -> None:
    lines = 'NAMESPACE=$(kubectl get pods -A | grep api | cut -d" " -f1)\nkubectl -n $NAMESPACE get pods'
    found = recognised(RECOGNISER, lines, at=1)
    assert (found.fate, found.missing, found.drafts) == (Fate.CHECK, (), ())


@pytest.mark.parametrize(
    ("section", "line", "fate", "capability"),
    [
        ("Diagnosis", "kubectl logs -n shop deployment/api", Fate.LOGS, "diagnostics"),
        ("Diagnosis", "oc -n shop logs api-1 | grep lead", Fate.LOGS, "check.log"),
        ("Logs", "kubectl logs -n shop deployment/api --tail=100", Fate.LOGS, "diagnostics"),
        ("Incident", "kubectl logs api-1 > /tmp/api.log", Fate.STEP, "incident.evidence"),
    ],
)
def test_logs(section: str, line: str, fate: Fate, capability: str) -> None:
    found = recognised(RECOGNISER, line, section)
    assert (found.fate, found.operation, found.capabilities[0]) == (fate, "kubernetes.logs", capability)


@pytest.mark.parametrize(
    ("section", "line", "capability"),
    [
        ("Scaling", "kubectl get hpa -n shop", "check.kubernetes"),
        ("Audit", "kubectl get secrets -n shop", "security.secrets"),
        ("Critical incident", "kubectl get deployment -n shop", "diagnostics"),
        ("Health", "kubectl get pods -n shop", "check.kubernetes"),
        ("Emergency", "kubectl rollout undo deployment/api", "rollback"),
        ("Resources", "kubectl patch deployment api -p '{\"resources\": {}}'", "scale"),
        ("Release", "kubectl set image deployment/api api=api:2", "deploy"),
        ("Keys", "# Rotate the key\nkubectl create secret generic key --from-literal=k=v", "keys.rotate"),
        ("Evidence", "oc adm inspect clusteroperator/network --dest-dir=out", "incident.evidence"),
    ],
)
def test_what_it_is_for(section: str, line: str, capability: str) -> None:
    assert recognised(RECOGNISER, line, section).capabilities[0] == capability


@pytest.mark.parametrize(
    ("section", "line", "fate", "operation"),
    [
        ("Mitigation", "virtctl restart <vm-name> -n <namespace>", Fate.STEP, "virtctl.restart"),
        ("Diagnosis", "ceph osd status", Fate.CHECK, "ceph.osd.status"),
        ("Health", "ceph status", Fate.CHECK, "ceph.status"),
        ("Health", "ocm list clusters", Fate.STEP, "ocm.list"),
        ("Release", "helm upgrade shop ./chart", Fate.STEP, ""),
        ("Release", "helm rollback shop 3", Fate.STEP, "helm.rollback"),
    ],
)
def test_tools_beside_it(section: str, line: str, fate: Fate, operation: str) -> None:
    found = recognised(TOOLS, line, section)
    assert (found.fate, found.operation) == (fate, operation)


def test_the_health_of_the_storage_is_judged() -> None:
    settings = only_check(recognised(TOOLS, "ceph status", "Health")).settings
    assert settings == {"run": ["ceph", "health"], "expect": {"output_contains": "HEALTH_OK"}}


@pytest.mark.parametrize(
    "name", ["cluster_tools", "curl", "docker", "firewall", "jq", "k6", "kubectl", "network", "openssl", "prometheus_query", "sockets"]
)
def test_the_example_of_a_recogniser_is_recognised(name: str) -> None:
    (recogniser,) = [known for known in all_recognisers() if known.name == name]
    asked = [
        view
        for view in views(read_manual(recogniser.example.encode(), "example.md"))
        if view.item.kind in recogniser.kinds and any(command.name in recogniser.programs for command in view.pipeline)
    ]
    assert any(recogniser.read(view) for view in asked)
