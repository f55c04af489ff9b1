# Thin names over the real commands, which the README shows too.
# KUBECONTEXT=name: a context of your own kubeconfig instead of the embedded cluster.
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.PHONY: help tools testtools apptools cluster up preview down app test check lint unit coverage backend frontend together integration bench faults

export PULUMI_SKIP_UPDATE_CHECK := true
export PATH := $(CURDIR)/.tools/bin:$(CURDIR)/.venv/bin:$(PATH)

# The stack `local` keeps its state on this machine, apart for each cluster, under a passphrase that is no secret:
# its secrets are demonstration values.
CLUSTER := $(if $(KUBECONTEXT),$(subst /,_,$(KUBECONTEXT)),embedded)
STATE := .local/$(CLUSTER)/state
# The Kubernetes provider leaves a copy of the kubeconfig in TMPDIR at each run.
TEMPORARY := .local/$(CLUSTER)/tmp
local := env PULUMI_BACKEND_URL="file://$(CURDIR)/$(STATE)" PULUMI_CONFIG_PASSPHRASE=local TMPDIR="$(CURDIR)/$(TEMPORARY)"

help: ## Show this help
	@sed -nE 's/^([a-z]+):.*## (.*)/  make \1\t\2/p' $(MAKEFILE_LIST) | column -t -s $$'\t'

testtools:
	@python3 tools/bootstrap.py delivery-tests

apptools:
	@python3 tools/bootstrap.py app-tests

tools: ## Install the pinned toolchain into .venv, .tools and the user's cache
	@python3 tools/bootstrap.py

cluster: tools
ifdef KUBECONTEXT
	@mkdir -p .local
	@umask 077 && kubectl config view --minify --flatten --context '$(KUBECONTEXT)' > .local/kubeconfig
else
	@python tools/embedded up .local/embedded/cluster
	@install -m 600 .local/embedded/cluster/kubeconfig .local/kubeconfig
endif
	@mkdir -p $(STATE) $(TEMPORARY)
	@$(local) pulumi stack select --create local > /dev/null

up: cluster ## Bring the stack `local` up
	$(local) pulumi up --stack local --yes

preview: cluster ## Show what `make up` would change
	$(local) pulumi preview --stack local --diff

down: $(if $(KUBECONTEXT),cluster,tools) ## Take everything down again: nothing is left but the tools
ifdef KUBECONTEXT
	$(local) pulumi destroy --stack local --yes
else
	@python tools/embedded down .local/embedded/cluster
endif
	@rm -rf .local/$(CLUSTER) .local/kubeconfig
	@rmdir .local 2> /dev/null || true

app: ## Run the app itself on this machine, without a cluster, until Ctrl-C
	@python3 tools/bootstrap.py app
	@python3 tools/devstack .local/app

test: ## Run every test, on a second embedded cluster of its own, and lint
	@$(MAKE) --jobs 2 integration lint unit together  # the longest first

check: lint unit backend frontend ## Run the tests that need no cluster

lint: tools apptools
	ruff format --check .
	ruff check .
	basedpyright
	basedpyright --project backend
	lint-imports --no-cache --no-logo
	yamllint --strict .
	hadolint backend/Dockerfile frontend/Dockerfile
	npm --prefix frontend run lint
	actionlint -shellcheck= -pyflakes=  # the same everywhere, whatever else is installed
	zizmor --offline --no-progress --quiet --strict-collection --pedantic .github

# All that needs neither a cluster nor the app's packages.
UNIT := tests/unit tests/chart tests/images tests/workflows

unit: tools
	pytest -n auto $(UNIT)

# Apart, for it takes nearly twice as long.
coverage: tools
	pytest -n auto --cov --cov-report=term:skip-covered $(UNIT)

backend: apptools
	cd backend && PATH="$(CURDIR)/backend/.venv/bin:$$PATH" pytest --cov

frontend: apptools
	npm --prefix frontend test
	npm --prefix frontend run build

# The parts of the app together, with a real browser, a real sidecar and a real Kafka.
together: tools backend frontend
	pytest tests/app

# PART=1 and PART=2: two parts that take about as long, for two machines.
INTEGRATION := tests/integration
INTEGRATION_1 := $(addprefix $(INTEGRATION)/test_,make.py oke.py rollback.py)
INTEGRATION_2 := $(INTEGRATION) $(addprefix --ignore=,$(INTEGRATION_1))

integration: tools testtools apptools
	pytest -n 3 --dist loadfile --no-loadscope-reorder $(INTEGRATION$(PART:%=_%))  # they wait as much as they work

bench: tools ## Measure daily deliveries beside the shell pipeline, on an embedded cluster of its own
	@python tools/bench

# ONLY="quota registry": the cases whose name holds one of these.
faults: tools testtools ## Break a delivery in a hundred ways, on three clusters at once, and show what heals it
	python -m tests.faults $(if $(ONLY),--only $(ONLY))
