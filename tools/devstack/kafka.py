"""A Kafka broker that requires a password.

Sources: https://kafka.apache.org/documentation/#kraft and https://kafka.apache.org/documentation/#security_sasl_scram
"""

import base64
import hashlib
import secrets
import shutil
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from system.errors import UserError

from .ports import free_port
from .process import PROVIDED, last_lines, running

_JARS = PROVIDED / "kafka"
_CLUSTER_ID = base64.urlsafe_b64encode(b"todo-oke-kafka-1").decode().rstrip("=")  # any 16 bytes
_ITERATIONS = 4096  # the fewest that Kafka accepts

# A small heap, and the faster of the two compilers.
_JVM = ("-Xms64m", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
_LOGGING = (
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-Dorg.slf4j.simpleLogger.log.kafka.server.KafkaRaftServer=info",  # logs _READY
)
_READY = b"Kafka Server started"

# Clients use the first listener. The broker's own need no password, so that none is in this file.
_PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=CLIENT://127.0.0.1:{client},BROKER://127.0.0.1:{broker},CONTROLLER://127.0.0.1:{controller}
listener.security.protocol.map=CLIENT:SASL_PLAINTEXT,BROKER:PLAINTEXT,CONTROLLER:PLAINTEXT
inter.broker.listener.name=BROKER
controller.listener.names=CONTROLLER
sasl.enabled.mechanisms=SCRAM-SHA-256
listener.name.client.scram-sha-256.sasl.jaas.config=\
org.apache.kafka.common.security.scram.ScramLoginModule required;
log.dirs={data}
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
group.initial.rebalance.delay.ms=0
controlled.shutdown.enable=false
"""


@contextmanager
def kafka(folder: Path, user: str, password: str) -> Generator[str]:
    """Run a broker with SASL_PLAINTEXT and SCRAM-SHA-256, and yield its address for clients, host:port.

    It creates topics on first use. Its data, and the first `user`, stay in `folder`. Raises UserError.
    """
    java = shutil.which("java")
    if java is None or not _JARS.exists():
        raise UserError("Kafka is not installed.", "python3 tools/bootstrap.py app-tests")
    program = [java, *_JVM, *_LOGGING, "-cp", f"{_JARS}/*"]
    folder.mkdir(parents=True, exist_ok=True)
    port, data, log = free_port(), folder / "data", folder / "log"
    properties = folder / "server.properties"
    properties.write_text(
        _PROPERTIES.format(client=port, broker=free_port(), controller=free_port(), data=data),
        encoding="latin-1",  # as Java reads it
        errors="backslashreplace",
    )
    if not (data / "meta.properties").exists():
        _format([*program, "kafka.tools.StorageTool", "format"], properties, _credential(user, password))
    started = log.stat().st_size if log.exists() else 0
    with running(
        "Kafka", [*program, "kafka.Kafka", str(properties)], log, lambda: _READY in log.read_bytes()[started:]
    ):
        yield f"127.0.0.1:{port}"


def _credential(user: str, password: str) -> str:
    """Return the user's salted credential for the broker: https://www.rfc-editor.org/rfc/rfc5802#section-3."""
    salt = secrets.token_bytes(16)
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, _ITERATIONS)
    fields = f'name="{user}",salt="{_text(salt)}",saltedpassword="{_text(salted)}",iterations={_ITERATIONS}'
    return f"SCRAM-SHA-256=[{fields}]"


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _format(command: list[str], properties: Path, credential: str) -> None:
    # In a file, because other users can read a process's arguments.
    arguments = properties.with_name("format")
    arguments.touch(mode=0o600)
    try:
        arguments.write_text(
            "\n".join(("--cluster-id", _CLUSTER_ID, "--config", str(properties), "--add-scram", credential))
        )
        done = subprocess.run(
            [*command, f"@{arguments}"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,  # not into the log: it contains the credential
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
    finally:
        arguments.unlink()
    if done.returncode:
        raise UserError(f"Kafka's storage in {properties.parent} could not be formatted:\n{last_lines(done.stdout)}")
