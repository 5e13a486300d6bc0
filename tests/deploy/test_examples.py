"""What `deploy/` has works as it stands: proxy, unit, and the manifests."""

import http.client
import json
import os
import shutil
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from click import Context
from kubernetes_validate import latest_version, validate

from ledger.cli import cli
from tests.builders import SHOP_ID, a_form_call
from tests.cli.running import shops_file
from tests.faults.cluster import free_port
from tests.projections.helpers import eventually
from tests.serving import Service, serving

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
FOLDERS = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")


@pytest.fixture
def service(tmp_path: Path, sqlite_url: str) -> Iterator[Service]:
    """A service that believes a proxy on this machine, and takes calls of this machine alone."""
    shops_path = shops_file(tmp_path)
    with serving(
        tmp_path,
        sqlite_url,
        shops_path,
        LEDGER_TRUSTED_PROXIES="127.0.0.1",
        LEDGER_ALLOWED_SOURCES="127.0.0.1",
    ) as running:
        yield running


@pytest.fixture
def proxy_port(service: Service, tmp_path: Path) -> Iterator[int]:
    nginx = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    if nginx is None:
        pytest.skip("nginx is not installed: apt-get install nginx-light")
    port = free_port()
    settings = tmp_path / "nginx.conf"
    settings.write_text(main_settings(tmp_path, site(tmp_path, service.port, port)))
    process = subprocess.Popen([nginx, "-e", str(tmp_path / "error.log"), "-c", str(settings)])
    try:
        eventually(lambda: is_open(port))
        yield port
    finally:
        process.terminate()
        process.wait(10)


def site(folder: Path, service_port: int, port: int) -> Path:
    """The example with ports and a certificate of the test."""
    certificate, key = folder / "ledger.pem", folder / "ledger.key"
    request = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    names = ["-subj", "/CN=ledger.example.com", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run([*request, *names], check=True, capture_output=True)
    text = (DEPLOY / "nginx.conf").read_text()
    for written, meant in {
        "127.0.0.1:8000": f"127.0.0.1:{service_port}",
        "listen 443 ssl": f"listen 127.0.0.1:{port} ssl",
        "/etc/ssl/ledger.pem": str(certificate),
        "/etc/ssl/private/ledger.key": str(key),
    }.items():
        assert written in text
        text = text.replace(written, meant)
    path = folder / "site.conf"
    path.write_text(text)
    return path


def main_settings(folder: Path, site_path: Path) -> str:
    user = "user root;" if os.geteuid() == 0 else ""
    temporary = " ".join(f"{name}_temp_path {folder}/{name};" for name in FOLDERS)
    return (
        f"{user} daemon off; pid {folder}/nginx.pid; events {{}}\n"
        f"http {{ access_log off; {temporary} include {site_path}; }}\n"
    )


def is_open(port: int) -> bool:
    try:
        return call(port, "GET", "/healthz")[0] == 200
    except OSError:
        return False


def call(
    port: int, method: str, path: str, body: bytes | None = None, **headers: str
) -> tuple[int, str]:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # it is of this test
    connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=30, context=context)
    try:
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        return response.status, response.read().decode()
    finally:
        connection.close()


def test_a_call_arrives_behind_the_proxy_as_it_was_sent(proxy_port: int) -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded"}

    status, line = call(proxy_port, "POST", f"/ipn/{SHOP_ID}/test", a_form_call(), **form)

    assert (status, line.split()[:2]) == (200, ["OK", "recorded"])


def test_the_address_that_a_caller_pretends_is_replaced(proxy_port: int, service: Service) -> None:
    headers = {"X-Forwarded-For": "203.0.113.9"}

    line = call(proxy_port, "POST", f"/ipn/{SHOP_ID}/test", a_form_call(), **headers)[1]

    assert line.startswith("OK recorded")
    headers = {"X-Forwarded-For": "203.0.113.9"}
    spoofed = service.call("POST", f"/ipn/{SHOP_ID}/test", a_form_call(), **headers)[1]
    assert spoofed.startswith("KO source-not-allowed"), "without the proxy it would be believed"


def test_an_escaped_slash_stays_escaped(proxy_port: int, service: Service) -> None:
    """Unescaped, the same address would ask for the history of another order."""
    token = {"Authorization": f"Bearer {service.token()}"}
    for number, order_id in enumerate(("INV/2026", "INV/2026/history")):
        body = a_form_call(order_id=order_id, trans_uuid=f"{number:032x}", trans_id=f"{number:06}")
        assert call(proxy_port, "POST", f"/ipn/{SHOP_ID}/test", body)[0] == 200
    path = f"/api/v1/shops/{SHOP_ID}/test/orders/INV%2F2026%2Fhistory"

    eventually(lambda: call(proxy_port, "GET", path, **token)[0] == 200)

    assert json.loads(call(proxy_port, "GET", path, **token)[1])["order_id"] == "INV/2026/history"


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd is not installed: apt-get install systemd")
    path = tmp_path / "ledger.service"
    text = (DEPLOY / "ledger.service").read_text()
    path.write_text(text.replace("/opt/ledger/bin/ledger", shutil.which("true") or ""))
    return path


def systemd_analyze(*words: str | Path) -> subprocess.CompletedProcess[str]:
    command = ["systemd-analyze", "--no-pager", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_unit_is_one_that_systemd_can_read(unit: Path) -> None:
    checked = systemd_analyze("verify", unit)

    assert (checked.returncode, checked.stderr) == (0, "")


def test_the_unit_leaves_little_to_whoever_takes_the_service_over(unit: Path) -> None:
    """Shape: its exposure in tenths, by systemd's own list of what a service may do."""
    checked = systemd_analyze("security", "--offline=true", "--threshold=20", unit)

    assert checked.returncode == 0, checked.stdout.splitlines()[-1]


@pytest.fixture(scope="module")
def manifests() -> list[dict[str, Any]]:
    """What the example makes of the base."""
    if shutil.which("kubectl") is None:
        pytest.skip("kubectl is not installed: apt-get install kubernetes-client")
    command = ["kubectl", "kustomize", str(DEPLOY / "kubernetes" / "example")]
    return list(yaml.safe_load_all(subprocess.run(command, capture_output=True, check=True).stdout))


def test_each_manifest_is_one_that_kubernetes_knows(manifests: list[dict[str, Any]]) -> None:
    for manifest in manifests:
        validate(manifest, latest_version(), strict=True)
    kinds = {manifest["kind"] for manifest in manifests}
    assert kinds >= {"Deployment", "StatefulSet", "Job", "Ingress"}
    assert "Secret" not in kinds, "no secret stands in a manifest"


def test_a_pod_may_do_nothing_that_it_need_not(manifests: list[dict[str, Any]]) -> None:
    """Another user than root, nothing to write on, time to finish what was accepted."""
    for pod in pods_of(manifests):
        assert pod["securityContext"]["runAsNonRoot"]
        assert not pod["automountServiceAccountToken"]
        for container in [*pod["containers"], *pod.get("initContainers", ())]:
            context = container["securityContext"]
            assert context["readOnlyRootFilesystem"]
            assert not context["allowPrivilegeEscalation"]
            assert context["capabilities"] == {"drop": ["ALL"]}
            assert container["image"] == "registry.example.com/ipn-ledger:0.1.0"


def test_a_pod_that_serves_has_its_probes_and_time_to_finish(
    manifests: list[dict[str, Any]],
) -> None:
    serving = [pod for pod in pods_of(manifests) if pod["containers"][0]["args"][0] == "serve"]
    assert len(serving) == 2
    for pod in serving:
        (container,) = pod["containers"]
        drain_seconds = int(container["args"][container["args"].index("--drain-seconds") + 1])
        assert pod["terminationGracePeriodSeconds"] >= drain_seconds + 10
        assert container["livenessProbe"]["httpGet"]["path"] == "/healthz"
        assert container["readinessProbe"]["httpGet"]["path"].startswith("/readyz")


def test_each_command_of_a_pod_is_one_of_ours(manifests: list[dict[str, Any]]) -> None:
    for pod in pods_of(manifests):
        name, *options = pod["containers"][0]["args"]
        command = cli.get_command(Context(cli), name)
        assert command is not None
        command.make_context(name, options)  # refuses an option that it does not have


def pods_of(manifests: list[dict[str, Any]]) -> list[dict[str, Any]]:
    templates = (manifest.get("spec", {}).get("template") for manifest in manifests)
    return [template["spec"] for template in templates if template]
