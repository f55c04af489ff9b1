module todo-oke/tools/dapr

go 1.25.0

require github.com/dapr/dapr v1.15.4
