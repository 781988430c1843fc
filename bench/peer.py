"""`python -m bench.peer stock|bare FD`: a server to compare with, as the API is served."""

import socket
import sys

import uvicorn

from app.serve import configured
from app.settings import Settings
from bench import bare, stock

if __name__ == "__main__":
    name, fd = sys.argv[1:]
    settings = Settings()
    app = {"bare": bare, "stock": stock}[name].create_app(settings)
    uvicorn.Server(configured(app, settings)).run([socket.socket(fileno=int(fd))])
