"""Run a Pulumi program: `program.py ENGINE_ADDRESS EXIT_CODE`, with the engine's RunRequest on standard input.

EXIT_CODE is the exit code of a program that failed after its error was logged by the engine.
It works like the official executor, with the same parts of the SDK:
https://github.com/pulumi/pulumi/blob/v3.259.0/sdk/python/cmd/pulumi-language-python-exec
"""

import asyncio
import gc
import logging
import runpy
import signal
import sys
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pulumi
from pulumi.runtime import Settings, configure, run_in_stack, set_all_config
from pulumi.runtime.proto import language_pb2


def main() -> int:
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # the engine ends a cancelled program with it, at once
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)  # a failed graph leaves futures that nobody awaits
    engine_address, error_is_shown = sys.argv[1], int(sys.argv[2])
    request = language_pb2.RunRequest.FromString(sys.stdin.buffer.read())
    configure(
        Settings(
            project=request.project,
            stack=request.stack,
            organization=request.organization,
            root_directory=request.info.root_directory,
            monitor=request.monitor_address,
            engine=engine_address,
            parallel=request.parallel,
            dry_run=request.dryRun,
        )
    )
    set_all_config(dict(request.config), list(request.configSecretKeys))
    path = Path(request.info.program_directory, request.info.entry_point)
    sys.argv = [str(path), *request.args]
    try:
        asyncio.run(run(path, workers=max(request.parallel, 1) * 4))
    except pulumi.RunError as error:
        pulumi.log.error(str(error))
        return error_is_shown
    except Exception as error:  # noqa: BLE001 - the program may raise anything
        pulumi.log.error(f"Program failed with an unhandled exception:\n{traceback_from(path, error)}")
        return error_is_shown
    return 0


async def run(path: Path, workers: int) -> None:
    """Run the program at `path`, a file or a folder with `__main__.py`, and wait for its resources."""
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(workers))

    def program() -> None:
        # The thousands of classes that it imports live until its end, so collecting garbage meanwhile is wasted time.
        gc.disable()
        runpy.run_path(str(path), run_name="__main__")
        gc.freeze()
        gc.enable()

    await run_in_stack(program)


def traceback_from(path: Path, error: Exception) -> str:
    """Return the traceback from the program's first frame on, or all of it where the program has none in it."""
    main_file = str(path / "__main__.py" if path.is_dir() else path)
    frames = error.__traceback__
    while frames is not None and frames.tb_frame.f_code.co_filename != main_file:
        frames = frames.tb_next
    return "".join(traceback.format_exception(error.with_traceback(frames or error.__traceback__)))


if __name__ == "__main__":
    sys.exit(main())
