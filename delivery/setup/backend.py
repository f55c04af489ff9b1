"""The step of `setup` that chooses the backend of the state, and creates the stack there."""

from urllib.parse import urlsplit

from delivery.doctor.backend import has_stack, list_stacks, redacted
from delivery.doctor.oci import object_storage_namespace
from delivery.doctor.requirements import BACKEND, BACKEND_CREDENTIALS
from delivery.engine import stack_config, state
from delivery.setup.session import Session
from oke import credentials
from system.errors import UserError
from system.process import run

_SECONDS = 60


def choose_backend(session: Session) -> None:
    """Ask for a backend until one can be reached, and log Pulumi in to it. Raises UserError."""
    if session.environment[BACKEND] and _can_reach(session) and _is_for_this_stack(session):
        return
    while True:
        session.environment[BACKEND] = _ask(session)
        if _can_reach(session):
            break
    url = session.environment[BACKEND]
    done = run(["pulumi", "login", url, "--non-interactive"], session.environment, seconds=_SECONDS)
    if done.code:
        raise UserError(f"`pulumi login` failed: {stack_config.reason(done.errors)}")
    if session.shell.get(BACKEND):  # which hides the login
        session.exports[BACKEND] = f"export {BACKEND}='{url}'"


def create_stack(session: Session) -> None:
    """Create the stack unless it exists. Raises UserError."""
    if has_stack(session.context()):
        return
    command = ["pulumi", "stack", "init", session.stack, "--non-interactive"]
    done = run(command, session.environment, seconds=_SECONDS)
    if done.code:
        raise UserError(f"Stack {session.stack} cannot be created: {stack_config.reason(done.errors)}")
    session.echo(f"Created stack {session.stack}.")


def _is_for_this_stack(session: Session) -> bool:
    """Return whether a reachable backend is for this stack, and not for another project."""
    if session.shell.get(BACKEND) or has_stack(session.context()):
        return True
    backend = redacted(session.environment[BACKEND])
    return session.confirm(f"\nPulumi is logged in to {backend}. Keep the state of {session.stack} there?")


def _can_reach(session: Session) -> bool:
    if state.backend_problems(session.environment):
        names = BACKEND_CREDENTIALS.get(session.context().backend, ())
        for name in [name for name in names if not session.environment.get(name)]:
            session.ask_variable(name)
    try:
        list_stacks(session.environment)
    except UserError as error:
        session.echo(f"\n{error}")
        for name in BACKEND_CREDENTIALS.get(session.context().backend, ()):
            if session.exports.pop(name, None):  # typed, and perhaps wrong: ask for it again
                del session.environment[name]
        return False
    return True


def _ask(session: Session) -> str:
    session.echo(
        "\nPulumi keeps the state in a bucket of OCI Object Storage (oci), in Pulumi Cloud (cloud), or in another "
        "backend, by its URL (s3://…, azblob://…, gs://…, file://…)."
    )
    while True:
        answer = session.ask("oci, cloud, or a URL", "oci")
        try:
            url = _url(answer, session)
        except UserError as error:
            session.echo(str(error))
            continue
        if urlsplit(url).password:
            session.echo(f"A URL with a password is not typed here.\nhint: read -rs {BACKEND} && export {BACKEND}")
        elif urlsplit(url).scheme:
            return url
        else:
            session.echo(f"{answer!r} is not a backend.")


def _url(answer: str, session: Session) -> str:
    match answer:
        case "oci":
            return _ask_bucket(session)
        case "cloud":
            return state.PULUMI_CLOUD
        case _:
            return answer


def _ask_bucket(session: Session) -> str:
    session.echo(
        "The bucket must exist, private and with versioning: "
        "https://docs.oracle.com/en-us/iaas/Content/Object/Tasks/managingbuckets.htm"
    )
    namespace, region = "", ""
    try:
        namespace = object_storage_namespace(session.apis, "")
        region = credentials.load().region
    except UserError as error:
        session.echo(f"Could not look up the tenancy's namespace. {error}")
    namespace = session.ask("Namespace of the tenancy's Object Storage", namespace)
    region = session.ask("Region of the bucket", region)
    return state.object_storage_url(namespace, region, session.ask("Bucket", "todo-state"))
