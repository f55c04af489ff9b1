"""Build contexts of the images, in a git checkout."""

from tests.support.project import Project


def write_sources(project: Project) -> None:
    """Commit the contexts, and put a Trivy on PATH that finds nothing."""
    for app in ("frontend", "backend"):
        (project.folder / app).mkdir()
        (project.folder / app / "Dockerfile").write_text("FROM scratch\n")
    (project.folder / "README.md").touch()
    trivy = project.folder / "bin/trivy"
    trivy.parent.mkdir()
    trivy.write_text('#!/bin/sh\nfor last; do :; done\necho "$last" >> trivy.log\n')
    trivy.chmod(0o755)
    project.do("git", "init", "--quiet")
    commit(project, "First")


def commit(project: Project, message: str) -> None:
    identity = ("-c", "user.name=Example", "-c", "user.email=me@example.com")
    project.do("git", "add", "frontend", "backend", "README.md")
    project.do("git", *identity, "commit", "--quiet", "--message", message)
