"""Test doubles of the Pulumi providers that need an account: oci, github, docker-build and docker.

They are gRPC servers in the test's own process, to which the real engine attaches (PULUMI_DEBUG_PROVIDERS). Everything
between a program and the edge of the cloud is real: the SDKs, the engine, its state, its plans.

    with serve(folder) as doubles:          # folder: where the engine runs, for relative build contexts
        run("pulumi", "up", "--yes", cwd=folder, env=os.environ | doubles.environment)

        doubles.oci.cloud.only("Vcn")                        # what the cloud has: plain values, secrets too
        doubles.oci.cloud.log                                # what was done to it, in order
        doubles.oci.cloud.edit(id, displayName="by hand")    # what a refresh must see
        doubles.oci.cloud.remove(id)
        doubles.oci.cloud.fail("create", "NodePool", "Out of host capacity.")    # the next one, and once
        doubles.oci.cloud.break_off("create", "NodePool", "timed out")           # once it is there
        doubles.oci.cloud.slow("delete", "Subnet", seconds=2)

    cloud.py      what a cloud has, what was done to it, what goes wrong in it
    values.py     property values on the wire: secrets, unknowns
    schema.py     what the documentation in an SDK says of a resource
    provider.py   the protocol, and what providers that wrap Terraform's have in common
    oci.py, github.py, images.py (docker-build and docker)     what is special about each
    serving.py    starts and stops them
"""
