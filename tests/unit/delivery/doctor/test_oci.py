from pathlib import Path

import pytest

from tests.support import oci_api
from tests.support.machine import COMPARTMENT, Fault, Machine, removed, setting


def limit(service: str, name: str, *values: int) -> Fault:
    """Set a limit of the region, or one for each availability domain."""
    entries = [{"name": name, "value": value} for value in values]
    return lambda machine: machine.oci.documents.update({oci_api.limits_of(service): entries})


def without_documents(machine: Machine) -> None:
    machine.oci.documents = {"/n": "axns"}


def without_limits(machine: Machine) -> None:
    del machine.oci.documents[oci_api.limits_of("vcn")]


def without_domains(machine: Machine) -> None:
    machine.oci.documents[oci_api.domains_of(COMPARTMENT)] = []


def another_key(_: Machine) -> None:
    Path(".oci/key.pem").write_text(oci_api.pem(key=oci_api.generate_private_key(65537, 2048)))


@pytest.mark.parametrize(
    ("fault", "name", "evidence"),
    [
        (removed(".oci/config"), "OCI key", ".oci/config"),
        (another_key, "OCI key", "\nhint: date -u"),
        (without_documents, "OCI access", "Allow group GROUP to manage cluster-family in compartment COMPARTMENT"),
        (without_documents, "OCI domains", "Allow group GROUP to inspect compartments in tenancy"),
        (without_domains, "OCI domains", "Allow group GROUP to inspect compartments in tenancy"),
        (limit("vcn", "nat-gateway-count", 0), "OCI limits", "nat-gateway-count is limited to 0"),
        (limit("compute", "standard-a1-memory-count", 5, 6), "OCI limits", "standard-a1-memory-count is limited to 11"),
        (limit("load-balancer", "lb-flexible-count", 0), "OCI limits", "lb-flexible-count"),
    ],
)
def test_refusal_or_limit_of_oci_fails_its_check(machine: Machine, fault: Fault, name: str, evidence: str) -> None:
    fault(machine)

    assert evidence in machine.failure(name)


def test_limits_per_availability_domain_add_up(machine: Machine) -> None:
    limit("compute", "standard-a1-core-count", 1, 1)(machine)

    assert machine.check("OCI limits").state == "passed"


def test_stack_without_ingress_controller_needs_no_load_balancer(machine: Machine) -> None:
    limit("load-balancer", "lb-flexible-count", 0)(machine)

    setting(ingressController="false")(machine)

    assert machine.check("OCI limits").state == "passed"


@pytest.mark.parametrize("fault", [without_domains, without_limits, setting(nodeCount="two")])
def test_unknown_limits_are_not_checked(machine: Machine, fault: Fault) -> None:
    fault(machine)

    check = machine.check("OCI limits")

    assert check.state == "not applicable"
    assert "\n" not in check.evidence


def test_existing_cluster_is_looked_up_by_its_ocid(machine: Machine) -> None:
    machine.configure(clusterOcid=oci_api.CLUSTER, region=oci_api.REGION, kubeconfig="")
    assert oci_api.CLUSTER in machine.failure("OCI access")

    machine.oci.documents[f"/20180222/clusters/{oci_api.CLUSTER}"] = {}

    assert machine.check("OCI access").state == "passed"


def test_region_of_the_settings_suffices(machine: Machine) -> None:
    config = Path(".oci/config")
    config.write_text(config.read_text().replace(f"region={oci_api.REGION}\n", ""))

    assert machine.check("OCI key").state == "passed"
