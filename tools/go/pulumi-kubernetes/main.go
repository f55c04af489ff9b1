// The Kubernetes provider, served by its own module. The module's own main embeds files that are generated in
// its repository and absent from the published module; only `pulumi package get-schema` reads them, so none is given here.
package main

import (
	"github.com/pulumi/pulumi-kubernetes/provider/v4/pkg/provider"
	"github.com/pulumi/pulumi-kubernetes/provider/v4/pkg/version"
)

func main() {
	provider.Serve("kubernetes", version.Version, nil, nil)
}
