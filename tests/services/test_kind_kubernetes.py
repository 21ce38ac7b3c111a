"""The ``kubernetes`` kind with a real kubectl against an API server that gives written answers; and with a real cluster where the
environment names one (KEEPWELL_KUBECONFIG, and KEEPWELL_KUBERNETES_POD, as NAMESPACE/NAME, of a pod with a shell and ``timeout``).
"""

import json
import os
import shutil
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from keepwell.kernel.problems import Unreachable
from keepwell.kernel.states import State
from keepwell.machine.clock import SystemClock
from keepwell.machine.exec_runner import KubernetesPlace, kubectl_exec
from keepwell.machine.local_files import LocalFiles
from keepwell.machine.local_runner import LocalRunner
from keepwell.ports.fakes import FakeHttp, FakeSecrets
from keepwell.ports.host import Host
from keepwell.ports.runner import Command
from keepwell.rooms.checks.kinds.kubernetes import DRIVER
from keepwell.rooms.checks.model import Check, CheckOptions, Observation
from keepwell.rooms.checks.work.observe import observe
from tests.support import free_port

pytestmark = pytest.mark.xdist_group("kubectl")

RESOURCES = {
    "/api/v1": [("pods", "Pod", True), ("nodes", "Node", False), ("persistentvolumeclaims", "PersistentVolumeClaim", True)],
    "/apis/apps/v1": [("deployments", "Deployment", True), ("statefulsets", "StatefulSet", True), ("daemonsets", "DaemonSet", True)],
    "/apis/autoscaling/v2": [("horizontalpodautoscalers", "HorizontalPodAutoscaler", True)],
    "/apis/metrics.k8s.io/v1beta1": [("pods", "PodMetrics", True), ("nodes", "NodeMetrics", False)],
}


def _resource(group: str, name: str, kind: str, namespaced: bool) -> dict[str, Any]:
    return {"name": name, "singularName": kind.lower(), "namespaced": namespaced, "kind": kind, "verbs": ["get", "list"]}


def discovery() -> dict[str, Any]:
    """What kubectl asks before anything else."""
    groups = [path.removeprefix("/apis/") for path in RESOURCES if path.startswith("/apis/")]
    versions = [{"groupVersion": group, "version": group.split("/")[1]} for group in groups]
    listed = [{"name": one["groupVersion"].split("/")[0], "versions": [one], "preferredVersion": one} for one in versions]
    answers: dict[str, Any] = {
        "/api": {"kind": "APIVersions", "versions": ["v1"]},
        "/apis": {"kind": "APIGroupList", "apiVersion": "v1", "groups": listed},
    }
    for path, resources in RESOURCES.items():
        group = path.removeprefix("/apis/").removeprefix("/api/")
        shown = [_resource(group, *one) for one in resources]
        answers[path] = {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": group, "resources": shown}
    return answers


POD = {
    "kind": "Pod",
    "apiVersion": "v1",
    "metadata": {"name": "web-1", "namespace": "shop", "uid": "u1", "labels": {"app": "web"}},
    "spec": {"containers": [{"name": "app", "image": "web:1", "resources": {"limits": {"cpu": "500m", "memory": "512Mi"}}}]},
    "status": {
        "phase": "Running",
        "conditions": [{"type": "Ready", "status": "True"}],
        "containerStatuses": [{"name": "app", "restartCount": 2, "ready": True, "state": {"running": {}}}],
    },
}
ANSWERS: dict[str, Any] = {
    **discovery(),
    "/apis/apps/v1/namespaces/shop/deployments/web": {
        "kind": "Deployment",
        "apiVersion": "apps/v1",
        "metadata": {"name": "web", "namespace": "shop"},
        "spec": {"replicas": 1, "selector": {"matchLabels": {"app": "web"}}},
        "status": {"replicas": 1, "availableReplicas": 1, "updatedReplicas": 1},
    },
    "/api/v1/namespaces/shop/pods?app=web": {"kind": "PodList", "apiVersion": "v1", "items": [POD]},
    "/api/v1/namespaces/shop/pods?app=api": {"kind": "PodList", "apiVersion": "v1", "items": []},
    "/apis/metrics.k8s.io/v1beta1/namespaces/shop/pods?app=web": {
        "kind": "PodMetricsList",
        "apiVersion": "metrics.k8s.io/v1beta1",
        "items": [
            {
                "kind": "PodMetrics",
                "apiVersion": "metrics.k8s.io/v1beta1",
                "metadata": {"name": "web-1", "namespace": "shop"},
                "containers": [{"name": "app", "usage": {"cpu": "50m", "memory": "128Mi"}}],
            }
        ],
    },
    "/api/v1/nodes": {
        "kind": "NodeList",
        "apiVersion": "v1",
        "items": [
            {
                "kind": "Node",
                "apiVersion": "v1",
                "metadata": {"name": "n1"},
                "status": {"allocatable": {"cpu": "2", "memory": "4Gi"}, "conditions": [{"type": "Ready", "status": "True"}]},
            }
        ],
    },
    "/apis/metrics.k8s.io/v1beta1/nodes": {
        "kind": "NodeMetricsList",
        "apiVersion": "metrics.k8s.io/v1beta1",
        "items": [{"metadata": {"name": "n1"}, "usage": {"cpu": "1900m", "memory": "1Gi"}}],
    },
    "/apis/autoscaling/v2/namespaces/shop/horizontalpodautoscalers/web": {
        "kind": "HorizontalPodAutoscaler",
        "apiVersion": "autoscaling/v2",
        "metadata": {"name": "web", "namespace": "shop"},
        "spec": {"maxReplicas": 3},
        "status": {"currentReplicas": 3, "desiredReplicas": 3},
    },
    "/api/v1/namespaces/shop/persistentvolumeclaims": {
        "kind": "PersistentVolumeClaimList",
        "apiVersion": "v1",
        "items": [
            {
                "kind": "PersistentVolumeClaim",
                "apiVersion": "v1",
                "metadata": {"name": "data", "namespace": "shop"},
                "status": {"phase": "Pending"},
            }
        ],
    },
}


class Api(BaseHTTPRequestHandler):
    """Gives the written answers; below /hangs nothing, below /floods too much, below /refuses a refusal."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        from urllib.parse import parse_qs, unquote, urlsplit

        parts = urlsplit(self.path)
        selector = parse_qs(parts.query).get("labelSelector", [""])[0]
        path = unquote(parts.path)
        way, _, rest = path.removeprefix("/").partition("/")
        if way == "hangs":
            time.sleep(5)
            return
        if way == "floods" and "pods" in path:
            self._flood()
            return
        if way in ("floods", "refuses", "garbage"):
            path = f"/{rest}"
        known = ANSWERS.get(path + (f"?{selector}" if selector else ""))
        if way == "refuses" and path not in discovery():
            self._answer(403, _status("Forbidden", 403, "you may not"))
        elif way == "garbage" and path not in discovery():
            self._answer(200, "hello")
        elif known is None:
            self._answer(404, _status("NotFound", 404, f'{path.split("/")[-2]} "{path.split("/")[-1]}" not found'))
        else:
            self._answer(200, known)

    def _answer(self, status: int, body: Any) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _flood(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Connection", "close")
        self.end_headers()
        try:
            self.wfile.write(b'{"kind":"PodList","apiVersion":"v1","items":[')
            while True:
                self.wfile.write(b'{"kind":"Pod","metadata":{"name":"x"}},' * 1000)
        except OSError:
            return

    def log_message(self, *_: Any) -> None:
        """Says nothing."""


def _status(reason: str, code: int, message: str) -> dict[str, Any]:
    return {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": reason, "code": code, "message": message}


@contextmanager
def api() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Api)
    server.daemon_threads = True
    server.block_on_close = False
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class Cluster:
    """kubectl's configuration for one API server."""

    def __init__(self, folder: Path, address: str) -> None:
        self.path = folder / "kubeconfig"
        self.point(address)
        environment = {"PATH": os.environ["PATH"], "HOME": str(folder)}
        self.runner = LocalRunner(FakeSecrets({}), environment)

    def point(self, address: str) -> None:
        """Directs it to an address."""
        document = {
            "kind": "Config",
            "apiVersion": "v1",
            "current-context": "c",
            "contexts": [{"name": "c", "context": {"cluster": "k", "namespace": "shop", "user": "u"}}],
            "clusters": [{"name": "k", "cluster": {"server": address}}],
            "users": [{"name": "u", "user": {"token": "x"}}],
        }
        self.path.write_text(json.dumps(document))

    async def look(self, options: Mapping[str, Any], timeout: float = 20.0) -> Observation:
        """What the kind observes now."""
        settings = DRIVER.options.model_validate_json(json.dumps({**options, "kubeconfig": str(self.path)}))
        common = CheckOptions(every=timedelta(minutes=1), timeout=timedelta(seconds=timeout))
        host = Host("local", self.runner, LocalFiles(), FakeHttp(), SystemClock(), FakeSecrets({}))
        return await observe(Check("look", "kubernetes", common, DRIVER, settings), host, None)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    if shutil.which("kubectl") is None:
        pytest.skip("kubectl is not installed (Debian's kubernetes-client); the cases of tests/cases/checks/kubernetes need none")
    with api() as address:
        yield Cluster(tmp_path_factory.mktemp("kubectl"), address)


@pytest.fixture
def address(cluster: Cluster) -> Iterator[str]:
    """The API server's own address; afterwards the configuration has it again."""
    own = json.loads(cluster.path.read_text())["clusters"][0]["cluster"]["server"]
    yield own
    cluster.point(own)


async def test_a_deployment_with_its_pods(cluster: Cluster) -> None:
    observation = await cluster.look({"deployment": "web", "cpu": {}, "memory": {}})
    assert observation.state is State.OK, observation.sentence
    assert observation.sentence.startswith('1 of 1 pods of the deployment "web" are available')
    assert (observation.values["restarts"], observation.counters) == (2, {"restarts.u1": 2})
    assert (observation.values["cpu_used_ratio"], observation.values["memory_used_ratio"]) == (0.1, 0.25)


async def test_pods_by_selector(cluster: Cluster) -> None:
    assert (await cluster.look({"pods": "app=web"})).state is State.OK
    none = await cluster.look({"pods": "app=api"})
    assert (none.state, none.sentence) == (State.FAIL, '0 of 0 pods with "app=api" are ready, expected >= 1')


async def test_nodes_autoscalers_and_claims(cluster: Cluster) -> None:
    nodes = await cluster.look({"nodes": True, "cpu": {}})
    assert (nodes.state, nodes.values["cpu_used_ratio"]) == (State.FAIL, pytest.approx(0.95))
    assert (await cluster.look({"autoscaler": "web"})).state is State.WARN
    claims = await cluster.look({"claim": "*"})
    assert (claims.state, claims.values["unbound"]) == (State.WARN, 1)


async def test_what_is_not_there(cluster: Cluster) -> None:
    observation = await cluster.look({"deployment": "api", "namespace": "shop"})
    assert (observation.state, observation.sentence) == (State.FAIL, 'the deployment "api" in the namespace shop does not exist')


async def test_a_context_that_is_not_there(cluster: Cluster) -> None:
    observation = await cluster.look({"nodes": True, "context": "other"})
    assert observation.state is State.UNKNOWN
    assert observation.sentence.startswith("could not ask the cluster: ")


async def test_a_user_who_may_not(cluster: Cluster, address: str) -> None:
    cluster.point(f"{address}/refuses")
    assert (await cluster.look({"nodes": True})).state is State.UNKNOWN


async def test_a_server_that_is_not_there(cluster: Cluster, address: str) -> None:
    cluster.point(f"http://127.0.0.1:{free_port()}")
    observation = await cluster.look({"nodes": True})
    assert observation.state is State.FAIL
    assert "refused" in observation.sentence


async def test_a_server_that_hangs(cluster: Cluster, address: str) -> None:
    cluster.point(f"{address}/hangs")
    started = time.monotonic()
    observation = await cluster.look({"nodes": True}, timeout=1.0)
    assert observation.state is State.FAIL
    assert time.monotonic() - started < 2.5


async def test_a_server_that_floods(cluster: Cluster, address: str) -> None:
    cluster.point(f"{address}/floods")
    observation = await cluster.look({"pods": "app=web"}, timeout=2.0)
    assert observation.state is State.FAIL


async def test_a_server_that_answers_something_else(cluster: Cluster, address: str) -> None:
    cluster.point(f"{address}/garbage")
    observation = await cluster.look({"pods": "app=web"})
    assert observation.state is State.FAIL


async def test_a_pod_in_which_nothing_can_be_run(cluster: Cluster) -> None:
    place = KubernetesPlace("pod/nothere", "shop", kubeconfig=str(cluster.path))
    with pytest.raises(Unreachable, match=r"^the host worker cannot be reached: .*not found"):
        await kubectl_exec("worker", cluster.runner, FakeSecrets({}), place).run(Command(("true",)))


async def test_a_real_cluster() -> None:
    kubeconfig, pod = os.environ.get("KEEPWELL_KUBECONFIG"), os.environ.get("KEEPWELL_KUBERNETES_POD", "")
    if not kubeconfig:
        pytest.skip("KEEPWELL_KUBECONFIG names no cluster")
    settings = DRIVER.options.model_validate_json(json.dumps({"nodes": True, "kubeconfig": kubeconfig}))
    runner = LocalRunner(FakeSecrets({}))
    host = Host("local", runner, LocalFiles(), FakeHttp(), SystemClock(), FakeSecrets({}))
    observation = await observe(Check("look", "kubernetes", CheckOptions(), DRIVER, settings), host, None)
    assert observation.values["nodes"] >= 1, observation.sentence
    if pod:
        namespace, _, name = pod.partition("/")
        place = KubernetesPlace(f"pod/{name}", namespace, kubeconfig=kubeconfig)
        inside = kubectl_exec("worker", runner, FakeSecrets({}), place)
        done = await inside.run(Command(("sh", "-c", 'cat; echo "$A"; exit 3'), b"in\n", {"A": "b c"}))
        assert (done.status, done.stdout) == (3, "in\nb c\n")
