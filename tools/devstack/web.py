"""The built page in its own nginx, and an ingress before the page and the backend.

Source: https://nginx.org/en/docs/switches.html
"""

import shutil
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

from system.errors import UserError

from .ports import free_port
from .process import PROVIDED, answers, running

FRONTEND = Path(__file__).resolve().parents[2] / "frontend"

# The chart's routes: /api to the backend, everything else to the page.
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
    """Serve the page of frontend/dist and the backend, which may start later, and yield the app's address.

    folder: for nginx's files. Raises UserError.
    """
    port = free_port()
    with _page(folder / "page") as page:
        folder = folder / "ingress"
        _lay_out(folder, _INGRESS.format(port=port, page=page, backend=backend_port))
        with nginx("the ingress", folder, lambda: answers(port, "/")):
            yield f"http://127.0.0.1:{port}"


@contextmanager
def _page(folder: Path) -> Generator[int]:
    """Serve the page as its image does, with another port and other paths, and yield the port."""
    built = FRONTEND / "dist"
    if not (built / "index.html").exists():
        raise UserError("The page is not built.", "npm --prefix frontend run build")
    port = free_port()
    configuration = (FRONTEND / "nginx.conf").read_text()
    for text, replacement in (("listen 8080;", f"listen 127.0.0.1:{port};"), ("/tmp/", "")):  # noqa: S108
        if text not in configuration:
            raise UserError(f"frontend/nginx.conf has no `{text}`, which tools/devstack/web.py replaces.")
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
    """Run nginx with `folder`/nginx.conf, whose paths are relative to the folder. Raises UserError."""
    program = PROVIDED / "bin" / "nginx"
    if not program.exists():
        raise UserError("nginx is not installed.", "python3 tools/bootstrap.py app-tests")
    command = [program, "-p", f"{folder}/", "-c", "nginx.conf", "-e", "stderr", "-g", "daemon off;"]
    with running(name, command, folder / "log", is_ready):
        yield
