"""A namespace, declared only by the stack that created it."""

from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as kubernetes

# Marks the namespace as the stack's own; a namespace of anybody else is never adopted, hence never deleted.
OWNER_LABEL = "todo-oke.pulumi.com/stack"


@dataclass(frozen=True)
class NamespaceArgs:
    """Arguments of Namespace."""

    name: str
    owner: str | None  # the stack that declares it; None to use an existing one
    protect: bool  # refuse deletion


class Namespace(pulumi.ComponentResource):
    """A namespace to deploy to."""

    name: pulumi.Output[str]  # known once the namespace exists

    def __init__(self, name: str, args: NamespaceArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("todo:cluster:Namespace", name, opts=opts)
        self.name = pulumi.Output.from_input(args.name)
        if args.owner:
            namespace = kubernetes.core.v1.Namespace(
                name,
                metadata={"name": args.name, "labels": {OWNER_LABEL: args.owner}},
                opts=pulumi.ResourceOptions(parent=self, protect=args.protect),
            )
            self.name = namespace.metadata.name
        self.register_outputs({"name": self.name})
