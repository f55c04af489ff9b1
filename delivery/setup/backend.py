"""The part of `setup` that chooses where the state is kept, and makes the stack there."""

from urllib.parse import urlsplit

from delivery.doctor.backend import has_stack, shown, stacks
from delivery.doctor.oci import object_storage_namespace
from delivery.doctor.requirements import BACKEND, BACKEND_CREDENTIALS
from delivery.engine import stack_config, state
from delivery.setup.session import Session
from oke import credentials
from system.errors import UserError
from system.process import run

_SECONDS = 60


def keep_state(session: Session) -> None:
    """Asks for a backend until one can be reached, and logs Pulumi in to it. Raises UserError."""
    if session.environment[BACKEND] and _can_reach(session) and _is_meant(session):
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


def make_stack(session: Session) -> None:
    """Makes the stack where the backend has none of its name. Raises UserError."""
    if has_stack(session.situation()):
        return
    command = ["pulumi", "stack", "init", session.stack, "--non-interactive"]
    done = run(command, session.environment, seconds=_SECONDS)
    if done.code:
        raise UserError(f"The stack {session.stack} cannot be made: {stack_config.reason(done.errors)}")
    session.say(f"The stack {session.stack} is made.")


def _is_meant(session: Session) -> bool:
    """Whether a backend that can be reached is one for this stack, and not of another project."""
    if session.shell.get(BACKEND) or has_stack(session.situation()):
        return True
    backend = shown(session.environment[BACKEND])
    return session.confirm(f"\nPulumi is logged in to {backend}. Is the state of {session.stack} to be kept there?")


def _can_reach(session: Session) -> bool:
    if state.backend_problems(session.environment):
        names = BACKEND_CREDENTIALS.get(session.situation().backend, ())
        for name in [name for name in names if not session.environment.get(name)]:
            session.ask_variable(name)
    try:
        stacks(session.environment)
    except UserError as error:
        session.say(f"\n{error}")
        for name in BACKEND_CREDENTIALS.get(session.situation().backend, ()):
            if session.exports.pop(name, ""):  # typed, and perhaps wrong: it is asked for again
                del session.environment[name]
        return False
    return True


def _ask(session: Session) -> str:
    session.say(
        "\nThe state tells Pulumi what it has made. It is kept in a bucket of OCI Object Storage (oci), in Pulumi "
        "Cloud (cloud), or in another backend, by its URL (s3://…, azblob://…, gs://…, file://…)."
    )
    while True:
        answer = session.ask("oci, cloud, or a URL", "oci")
        try:
            url = _url(answer, session)
        except UserError as error:
            session.say(str(error))
            continue
        if urlsplit(url).password:
            session.say(f"It holds a password.\n    read -rs {BACKEND} && export {BACKEND}   before setup, instead")
        elif urlsplit(url).scheme:
            return url
        else:
            session.say(f"{answer!r} is none of them.")


def _url(answer: str, session: Session) -> str:
    match answer:
        case "oci":
            return _ask_bucket(session)
        case "cloud":
            return state.PULUMI_CLOUD
        case _:
            return answer


def _ask_bucket(session: Session) -> str:
    session.say(
        "The bucket must be there, private and with versioning: "
        "https://docs.oracle.com/en-us/iaas/Content/Object/Tasks/managingbuckets.htm"
    )
    namespace, region = "", ""
    try:
        namespace = object_storage_namespace(session.apis, "")
        region = credentials.load().region
    except UserError as error:
        session.say(f"OCI does not tell the tenancy's namespace. {error}")
    namespace = session.ask("Namespace of the tenancy's Object Storage", namespace)
    region = session.ask("Region of the bucket", region)
    return state.object_storage_url(namespace, region, session.ask("Bucket", "todo-state"))
