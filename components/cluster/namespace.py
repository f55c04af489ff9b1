"""A namespace that is declared only by the stack that made it."""

from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as kubernetes

# Tells a later run that the namespace is its own: one that somebody else made is never adopted, hence never deleted.
OWNER_LABEL = "todo-oke.pulumi.com/stack"


@dataclass(frozen=True)
class NamespaceArgs:
    """name: the namespace's name.

    owner: the stack that declares it, or None where somebody else did and it is only used.
    protect: whether it refuses to be deleted.
    """

    name: str
    owner: str | None
    protect: bool


class Namespace(pulumi.ComponentResource):
    """A namespace to put things into; `name` is known once it exists."""

    name: pulumi.Output[str]

    def __init__(self, name: str, args: NamespaceArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("todo:cluster:Namespace", name, opts=opts)
        self.name = pulumi.Output.from_input(args.name)
        if args.owner:
            made = kubernetes.core.v1.Namespace(
                name,
                metadata={"name": args.name, "labels": {OWNER_LABEL: args.owner}},
                opts=pulumi.ResourceOptions(parent=self, protect=args.protect),
            )
            self.name = made.metadata.name
        self.register_outputs({"name": self.name})
