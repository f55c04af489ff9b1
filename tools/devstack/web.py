"""The built page behind its own nginx, and an ingress in front of it and the backend.

Source: https://nginx.org/en/docs/switches.html
"""

import shutil
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

from .ports import free_port
from .process import PROVIDED, ProcessError, answers, running

FRONTEND = Path(__file__).resolve().parents[2] / "frontend"

# As the chart's Ingress: /api leads to the backend, everything else to the page.
_INGRESS = """\
pid ingress.pid;
worker_processes 1;
events {{}}
http {{
    client_body_temp_path client-body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    access_log off;
    server {{
        listen 127.0.0.1:{port};
        location / {{ proxy_pass http://127.0.0.1:{page}; }}
        location /api {{ proxy_pass http://127.0.0.1:{backend}; proxy_connect_timeout 2s; }}
    }}
}}
"""


@contextmanager
def ingress(folder: Path, backend_port: int) -> Generator[str]:
    """The app's address, for the page of frontend/dist and a backend that listens, or will, on that port.

    folder: for what nginx writes. Raises ProcessError.
    """
    port = free_port()
    with _page(folder / "page") as page:
        folder = folder / "ingress"
        _lay_out(folder, _INGRESS.format(port=port, page=page, backend=backend_port))
        with nginx("the ingress", folder, lambda: answers(port, "/")):
            yield f"http://127.0.0.1:{port}"


@contextmanager
def _page(folder: Path) -> Generator[int]:
    """The page as its image serves it, but for the port and the places of files."""
    built = FRONTEND / "dist"
    if not (built / "index.html").exists():
        raise ProcessError("The page is not built: run `npm run build` in frontend.")
    port = free_port()
    configuration = (FRONTEND / "nginx.conf").read_text()
    for text, replacement in (("listen 8080;", f"listen 127.0.0.1:{port};"), ("/tmp/", "")):  # noqa: S108
        if text not in configuration:
            raise ProcessError(f"frontend/nginx.conf has no `{text}`, which tools/devstack/web.py replaces.")
        configuration = configuration.replace(text, replacement)
    _lay_out(folder, configuration)
    shutil.copytree(built, folder / "html", dirs_exist_ok=True)
    with nginx("the page's server", folder, lambda: answers(port, "/")):
        yield port


def _lay_out(folder: Path, configuration: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "nginx.conf").write_text(configuration)


@contextmanager
def nginx(name: str, folder: Path, is_ready: Callable[[], bool]) -> Generator[None]:
    """Runs nginx by `folder`/nginx.conf, which names files as they lie in the folder. Raises ProcessError."""
    program = PROVIDED / "bin" / "nginx"
    if not program.exists():
        raise ProcessError("nginx is not provided: run `python3 tools/bootstrap.py app-tests`.")
    command = [program, "-p", f"{folder}/", "-c", "nginx.conf", "-e", "stderr", "-g", "daemon off;"]
    with running(name, command, folder / "log", is_ready):
        yield
