"""The language host: the process that `pulumi` starts to run a Python program.

It replaces the official `pulumi-language-python` where that cannot be downloaded, and works alike: the engine reads the
port from the first line of standard output, calls over gRPC, and logs all other output. Each run of the program is a
new process (program.py), so that an update shares nothing with its preview.

Protocol: https://github.com/pulumi/pulumi/blob/v3.259.0/proto/pulumi/language.proto
"""
# ruff: noqa: ARG002, N802 - the methods' names and parameters are the protocol's

import platform
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
from protocol import language_pb2, language_pb2_grpc, plugin_pb2

PROGRAM = Path(__file__).with_name("program.py")
ERROR_IS_SHOWN = 32  # the exit code of a program whose error is in the engine's log already


class LanguageHost(language_pb2_grpc.LanguageRuntimeServicer):
    """The calls of previews and updates; all others return "unimplemented"."""

    def __init__(self, engine_address: str) -> None:
        self._engine_address = engine_address
        self._programs: set[subprocess.Popen[bytes]] = set()

    def Handshake(self, request: object, context: object) -> language_pb2.LanguageHandshakeResponse:
        return language_pb2.LanguageHandshakeResponse()

    def About(self, request: object, context: object) -> language_pb2.AboutResponse:
        return language_pb2.AboutResponse(executable=sys.executable, version=platform.python_version())

    def GetPluginInfo(self, request: object, context: object) -> plugin_pb2.PluginInfo:
        return plugin_pb2.PluginInfo()

    def GetRequiredPackages(self, request: object, context: object) -> language_pb2.GetRequiredPackagesResponse:
        return language_pb2.GetRequiredPackagesResponse()  # the SDK names a provider's version with each resource

    def Run(self, request: language_pb2.RunRequest, context: object) -> language_pb2.RunResponse:
        command = [sys.executable, "-u", "-P", str(PROGRAM), self._engine_address, str(ERROR_IS_SHOWN)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, cwd=request.info.program_directory) as program:
            self._programs.add(program)
            program.communicate(request.SerializeToString())
        self._programs.remove(program)
        if program.returncode in (0, ERROR_IS_SHOWN):
            return language_pb2.RunResponse(bail=program.returncode == ERROR_IS_SHOWN)
        return language_pb2.RunResponse(error=f"The program ended with exit code {program.returncode}.")

    def stop(self) -> None:
        """Terminate the running programs."""
        for program in list(self._programs):
            program.terminate()


def main() -> None:
    # The engine ends the host and its programs with SIGINT. A Python handler would not run until the read below returns
    # where another thread received the signal.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    host = LanguageHost(engine_address=sys.argv[-1])
    server = grpc.server(ThreadPoolExecutor())
    language_pb2_grpc.add_LanguageRuntimeServicer_to_server(host, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(port, flush=True)
    sys.stdin.buffer.read()  # the engine never writes: this returns when the engine ends or is killed
    host.stop()
    server.stop(grace=None)


if __name__ == "__main__":
    main()
