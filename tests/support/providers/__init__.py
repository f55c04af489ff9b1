"""Test doubles of the Pulumi providers that need an account: oci, github, docker-build and docker.

The real engine attaches to them (PULUMI_DEBUG_PROVIDERS) as gRPC servers in the process of the test. The SDKs, the
engine, its state and its plans are real.

    with serve(folder) as doubles:          # folder: where the engine runs, for relative build contexts
        run("pulumi", "up", "--yes", cwd=folder, env=os.environ | doubles.environment)

        doubles.oci.cloud.only("Vcn")                        # the resource in the cloud, with plain values of secrets
        doubles.oci.cloud.log                                # the operations, in order
        doubles.oci.cloud.edit(id, displayName="by hand")    # a manual change
        doubles.oci.cloud.remove(id)
        doubles.oci.cloud.fail("create", "NodePool", "Out of host capacity.")    # the next one

    cloud.py      resources, operations and faults
    values.py     property values on the wire: secrets, unknown values
    schema.py     properties of a resource, from its SDK
    provider.py   the protocol, and providers that wrap one of Terraform's
    oci.py, github.py, images.py (docker-build and docker)     the providers
    serving.py    their start and stop
"""
