"""The double of the provider github: repositories with environments, secrets, variables and rulesets, in memory."""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from tests.support.providers.cloud import CloudError, Properties
from tests.support.providers.provider import Resource, TerraformProvider

# ForceNew in the source, without `repository`: a renamed repository keeps its contents. A manual change of a secret is
# no change: a refresh updates remoteUpdatedAt, but diffSecret checks whether that property is about to change.
# https://github.com/integrations/terraform-provider-github/tree/v6.13.0/github, which pulumi-github 6.15.0 wraps
_REPLACES: Mapping[str, frozenset[str]] = {
    "ActionsEnvironmentSecret": frozenset({"environment", "secretName"}),
    "ActionsEnvironmentVariable": frozenset({"environment", "variableName"}),
    "RepositoryEnvironment": frozenset({"environment"}),
    "RepositoryEnvironmentDeploymentPolicy": frozenset({"environment"}),
    "RepositoryRuleset": frozenset(),
}
# The last part of an id, after the repository and the environment.
_LAST_OF_ID: Mapping[str, str] = {
    "ActionsEnvironmentSecret": "secretName",
    "ActionsEnvironmentVariable": "variableName",
    "RepositoryEnvironment": "",
    "RepositoryEnvironmentDeploymentPolicy": "policyId",
}
_DATED = ("ActionsEnvironmentSecret", "ActionsEnvironmentVariable")


@dataclass
class Github(TerraformProvider):
    """GitHub without encryption of secrets and without a check of tokens.

    `cloud.fail("create", "ActionsEnvironmentSecret", "403 Resource not accessible")` stands for a weak token.
    """

    package = "github"

    repositories: dict[str, int] = field(default_factory=lambda: {"todo": 1001})  # ids by name, without the owner
    users: dict[str, int] = field(default_factory=lambda: {"octocat": 583231})  # ids by login

    def __post_init__(self) -> None:
        super().__init__()
        self._ids = itertools.count(1)
        self._seconds = itertools.count()

    def edit_secret(self, name: str, value: str) -> None:
        """Set the value of a secret manually, as on GitHub's page."""
        secrets = self.cloud.all("ActionsEnvironmentSecret").items()
        (id_,) = (id_ for id_, found in secrets if found["secretName"] == name)
        self.cloud.edit(id_, value=value, remoteUpdatedAt=self._now())

    def replaces(self, resource: Resource, path: str) -> bool:
        return path in _REPLACES.get(resource.type, ())

    def deletes_first(self, resource: Resource) -> bool:
        return resource.type == "ActionsEnvironmentSecret"

    def identify(self, resource: Resource) -> str:
        last = _LAST_OF_ID.get(resource.type)
        if last is None:
            return str(next(self._ids))
        given = resource.inputs | {"policyId": str(next(self._ids))}
        return ":".join(given[name] for name in ("repository", "environment", last) if name in given)

    def require(self, resource: Resource) -> None:
        repository, environment = resource.inputs.get("repository"), resource.inputs.get("environment")
        if repository is not None and repository not in self.repositories:
            raise CloudError(f"GET https://api.github.com/repos/{repository}: 404 Not Found []")
        needs = environment is not None and resource.type != "RepositoryEnvironment"
        if needs and self.cloud.get(f"{repository}:{environment}") is None:
            raise CloudError(f"https://api.github.com/repos/{repository}/environments/{environment}: 404 Not Found []")

    def decided(self, resource: Resource, id_: str) -> Properties:
        known: Properties = {}
        if resource.type != "RepositoryRuleset":
            known["repositoryId"] = self.repositories[resource.inputs["repository"]]
        if resource.type in _DATED:
            known["createdAt"] = known["updatedAt"] = self._now()
        if resource.type == "ActionsEnvironmentSecret":
            known |= {"remoteUpdatedAt": known["updatedAt"], "keyId": "568250167242549743"}
        if resource.type == "RepositoryEnvironmentDeploymentPolicy":
            known["policyId"] = int(id_.rpartition(":")[2])
        if resource.type == "RepositoryRuleset":
            known |= {"rulesetId": int(id_), "nodeId": f"RRS_{id_}", "etag": f'W/"{id_}"'}
        return known

    def update(self, resource: Resource) -> Properties:
        super().update(resource)
        if resource.type in _DATED:
            now = self._now()
            self.cloud.edit(resource.id, updatedAt=now)
            if resource.type == "ActionsEnvironmentSecret":
                self.cloud.edit(resource.id, remoteUpdatedAt=now)
        return self._found(resource, resource.id)

    def read(self, resource: Resource) -> Properties | None:
        found = super().read(resource)
        if found is None or resource.type != "ActionsEnvironmentSecret":
            return found
        # GitHub never returns the value, and updatedAt stays as the provider wrote it.
        return found | resource.state | {"remoteUpdatedAt": found["remoteUpdatedAt"]}

    def delete(self, resource: Resource) -> None:
        super().delete(resource)
        if resource.type == "RepositoryEnvironment":  # with its contents
            for type_ in _REPLACES:
                for id_ in self.cloud.all(type_):
                    if id_.startswith(f"{resource.id}:"):
                        self.cloud.remove(id_)

    def invoke(self, function: str, arguments: Properties, config: Properties) -> Properties:
        match function:
            case "getUser":
                login = arguments["username"]
                if login not in self.users:
                    raise CloudError(f"GET https://api.github.com/users/{login}: 404 Not Found []")
                return {"id": str(self.users[login]), "login": login, "username": login, "name": login}
            case "getActionsEnvironmentSecrets":
                return arguments | {"secrets": self._listed("ActionsEnvironmentSecret", arguments, "secretName")}
            case "getActionsEnvironmentVariables":
                return arguments | {"variables": self._listed("ActionsEnvironmentVariable", arguments, "variableName")}
            case _:
                return super().invoke(function, arguments, config)

    def _listed(self, type_: str, arguments: Properties, name: str) -> list[Properties]:
        """Return the secrets or variables of an environment as GitHub lists them, without values of secrets."""
        where = f"{arguments['name']}:{arguments['environment']}"
        if self.cloud.get(where) is None:
            raise CloudError(
                f"GET https://api.github.com/repos/{where.replace(':', '/environments/')}: 404 Not Found []"
            )
        return [
            {
                "name": found[name],
                "createdAt": found["createdAt"],
                "updatedAt": found.get("remoteUpdatedAt", found["updatedAt"]),
                **({} if type_ == "ActionsEnvironmentSecret" else {"value": found["value"]}),
            }
            for id_, found in self.cloud.all(type_).items()
            if id_.startswith(f"{where}:")
        ]

    def _now(self) -> str:
        """Return a later second at each call, in the format of Go's Time.String."""
        now = datetime(2026, 6, 1, tzinfo=UTC) + timedelta(seconds=next(self._seconds))
        return now.strftime("%Y-%m-%d %H:%M:%S +0000 UTC")
