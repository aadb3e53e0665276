"""What the manifests say when they are put together: who may speak to whom, and what the processes are told."""

import pytest
import yaml
from tests.operations.manifests import K8S, matches, named, of_kind, pods, rendered
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from rubi.cli.own_settings import FROM_FILES
from rubi.embedded.places import PROJECT_ROOT

OVERLAYS = ("dev", "prod")
COREDNS = {"k8s-app": "kube-dns"}  # all that a cluster's DNS is known by
KUBE_SYSTEM = {"kubernetes.io/metadata.name": "kube-system"}


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_pod_may_ask_the_clusters_dns(overlay):
    for name, template in pods(overlay).items():
        allowed = [
            peer
            for policy in of_kind(overlay, "NetworkPolicy")
            if matches(policy["spec"]["podSelector"], template["metadata"]["labels"])
            for rule in policy["spec"].get("egress", ())
            if {("UDP", 53), ("TCP", 53)} <= {(port["protocol"], port["port"]) for port in rule["ports"]}
            for peer in rule["to"]
            if matches(peer["namespaceSelector"], KUBE_SYSTEM) and matches(peer["podSelector"], COREDNS)
        ]
        assert allowed, f"{name} cannot resolve a name"


def test_no_labels_of_ours_are_put_into_selectors():
    """Said of the sources too, for machines on which nothing renders them."""
    for path in K8S.rglob("kustomization.yaml"):
        for labels in yaml.safe_load(path.read_text()).get("labels", ()):
            assert not labels.get("includeSelectors"), path


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_selector_picks_a_pod_of_ours(overlay):
    templates = [template["metadata"]["labels"] for template in pods(overlay).values()]
    chosen = {
        f"{each['kind']} {each['metadata']['name']}": each["spec"].get("podSelector") or each["spec"].get("selector")
        for each in of_kind(overlay, "NetworkPolicy", "PodDisruptionBudget", "Deployment", "StatefulSet")
    }
    for each in of_kind(overlay, "Service"):
        chosen[f"Service {each['metadata']['name']}"] = {"matchLabels": each["spec"]["selector"]}
    for name, selector in chosen.items():
        picked = any(matches(selector or {}, labels) for labels in templates)
        assert picked != (name == "Service rubi-nowhere"), name


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_no_two_selectors_of_deployments_pick_the_same_pod(overlay):
    for name, template in pods(overlay).items():
        owners = [
            each["metadata"]["name"]
            for each in of_kind(overlay, "Deployment", "StatefulSet")
            if matches(each["spec"]["selector"], template["metadata"]["labels"])
        ]
        assert owners in ([name], []), name


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_secret_is_named_by_a_file_that_the_processes_look_at_and_that_is_mounted(overlay):
    settings = named(overlay, "ConfigMap", "rubi-settings")["data"]
    files = {name: path for name, path in settings.items() if name.endswith("_FILE") and "/secrets/" in path}
    assert files.keys() <= {f"{name}_FILE" for name in FROM_FILES}
    for name in ("rubi-api", "rubi-worker", "rubi-beat", "rubi-migrate"):
        spec = pods(overlay)[name]["spec"]
        mounts = [each["mountPath"] for each in spec["containers"][0]["volumeMounts"]]
        assert all(path.rpartition("/")[0] in mounts for path in files.values()), name


async def seen_by(allowed: str, *, peer: str, forwarded: str) -> tuple[str, str]:
    """The client's address and the scheme, as the API sees them behind a proxy."""
    seen = {}

    async def app(scope, receive, send):
        seen.update(client=scope["client"][0], scheme=scope["scheme"])

    headers = [(b"x-forwarded-for", forwarded.encode()), (b"x-forwarded-proto", b"https")]
    scope = {"type": "http", "client": (peer, 1), "scheme": "http", "headers": headers}
    await ProxyHeadersMiddleware(app, trusted_hosts=allowed)(scope, None, None)
    return seen["client"], seen["scheme"]


@pytest.mark.parametrize("overlay", OVERLAYS)
@pytest.mark.parametrize("ingress", ["10.42.1.7", "100.64.3.9", "172.20.0.4", "192.168.7.7"])
async def test_behind_the_ingress_a_client_has_its_own_address_and_https(overlay, ingress):
    allowed = named(overlay, "ConfigMap", "rubi-settings")["data"]["FORWARDED_ALLOW_IPS"]
    assert await seen_by(allowed, peer=ingress, forwarded="203.0.113.9") == ("203.0.113.9", "https")
    assert await seen_by(allowed, peer="198.51.100.1", forwarded="203.0.113.9") == ("198.51.100.1", "http")


async def test_behind_the_proxy_of_one_machine_a_client_has_its_own_address():
    compose = yaml.safe_load((PROJECT_ROOT / "compose.yaml").read_text())
    gateway = compose["networks"]["default"]["ipam"]["config"][0]["gateway"]
    default = compose["services"]["api"]["environment"]["FORWARDED_ALLOW_IPS"]
    assert f":-{gateway}}}" in default
    example = (PROJECT_ROOT / "compose.env.example").read_text()
    assert f"FORWARDED_ALLOW_IPS={gateway}\n" in example
    assert await seen_by(gateway, peer=gateway, forwarded="203.0.113.9") == ("203.0.113.9", "https")


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_everything_lies_in_one_namespace(overlay):
    for each in rendered(overlay):
        if each["kind"] != "Namespace":
            assert each["metadata"]["namespace"] == "rubi-studio", each["metadata"]["name"]


MONITORING = PROJECT_ROOT / "monitoring"


def configured(name: str) -> dict:
    return yaml.safe_load((MONITORING / "prometheus" / name).read_text())


def test_inside_a_cluster_every_pod_that_counts_is_scraped_under_the_jobs_that_rules_go_by():
    jobs = {each["job_name"]: each for each in configured("kubernetes.yml")["scrape_configs"]}
    assert jobs.keys() == {each["job_name"] for each in configured("prometheus.yml")["scrape_configs"]}
    for job, deployment in (("rubi-api", "rubi-api"), ("rubi-worker", "rubi-worker")):
        component, port = jobs[job]["relabel_configs"][0]["regex"].split(";")
        template = pods("prod")[deployment]
        assert template["metadata"]["labels"]["app.kubernetes.io/component"] == component
        ports = {each["name"]: each["containerPort"] for each in template["spec"]["containers"][0]["ports"]}
        assert port in ports
        monitored = [
            rule["ports"][0]["port"]
            for policy in of_kind("prod", "NetworkPolicy")
            if matches(policy["spec"]["podSelector"], template["metadata"]["labels"])
            for rule in policy["spec"].get("ingress", ())
            if {"kubernetes.io/metadata.name": "monitoring"}
            in [peer.get("namespaceSelector", {}).get("matchLabels") for peer in rule["from"]]
        ]
        assert ports[port] in monitored, f"the monitoring is not let in to {deployment}"


def test_the_autoscalers_metric_is_recorded_and_served():
    rules = configured("rules/recording.yml")["groups"][0]["rules"]
    recorded = {rule["record"] for rule in rules}
    (served,) = yaml.safe_load((MONITORING / "prometheus-adapter.yml").read_text())["rules"]["external"]
    assert served["seriesQuery"] in recorded
    asked = {
        metric["external"]["metric"]["name"]
        for scaler in of_kind("prod", "HorizontalPodAutoscaler")
        for metric in scaler["spec"]["metrics"]
        if metric["type"] == "External"
    }
    assert asked == {served["name"]["as"]}
    for scaler in of_kind("dev", "HorizontalPodAutoscaler"):
        assert {metric["type"] for metric in scaler["spec"]["metrics"]} == {"Resource"}
