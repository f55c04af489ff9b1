import pytest
import yaml

from oke import exec_plugin
from tests.support import example


@pytest.mark.parametrize(
    ("command", "kubeconfig"),
    [
        (
            "env .venv/bin/python -m delivery oke-token --cluster ocid1.cluster.x --region eu-frankfurt-1",
            "<(python -m delivery kubeconfig --cluster ocid1.cluster.x --region eu-frankfurt-1)",
        ),
        (
            "oci ce cluster generate-token --cluster-id ocid1.cluster.x",
            "<(pulumi config get kubeconfig) --context example",
        ),
    ],
)
def test_kubectl_takes_a_kubeconfig_from_the_command_that_prints_it(command: str, kubeconfig: str) -> None:
    name, *arguments = command.split()
    plugin = {"apiVersion": "client.authentication.k8s.io/v1beta1", "command": name, "args": arguments}

    found = exec_plugin.read(yaml.safe_dump(example.kubeconfig(user={"exec": plugin})))

    assert found.kubectl == f"kubectl --kubeconfig {kubeconfig}"
