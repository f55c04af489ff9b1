"""The app for development: `uvicorn --factory dev.server:app --reload`."""

from fastapi import FastAPI

from todo.app import create_app
from todo.settings import Settings, load
from todo.telemetry import configure


def app() -> FastAPI:
    configure()
    return create_app(load(Settings))
