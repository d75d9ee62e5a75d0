"""A real kernel, driven as a notebook page drives it: cells with ids, outputs per cell, comms, subshells."""

from __future__ import annotations

import queue
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from jupyter_client.manager import KernelManager

TIMEOUT_S = 60

PRELUDE = """
import warnings; warnings.simplefilter("ignore")
from pathlib import Path
import sys; sys.path.insert(0, {tests!r})
from cellucid_notebook._server import process; process.SERVER_FILE = Path({server!r})
from cellucid_notebook import show_anndata, cleanup_all
import numpy as np, pandas as pd, anndata
adata = anndata.AnnData(np.eye(50, 8, dtype="f4"), obs=pd.DataFrame({{"group": pd.Categorical(["a", "b"] * 25)}},
    index=[f"cell{{i}}" for i in range(50)]), var=pd.DataFrame(index=[f"gene{{i}}" for i in range(8)]))
adata.obsm["X_umap"] = np.random.default_rng(0).normal(size=(50, 2))
"""


class Notebook:
    """One kernel and what it sent."""

    def __init__(self, manager: KernelManager) -> None:
        self.manager = manager
        self.client = manager.blocking_client()
        self.client.start_channels()
        self.client.wait_for_ready(TIMEOUT_S)
        #: Everything on iopub, with its arrival on the monotonic clock.
        self.messages: list[tuple[float, dict[str, Any]]] = []

    def start(self, code: str, cell_id: str | None = None) -> str:
        """Run a cell without waiting for it; the request's id."""
        message = self.client.session.msg(
            "execute_request", {"code": code, "store_history": True, "stop_on_error": False}
        )
        if cell_id is not None:
            message["metadata"] = {"cellId": cell_id}
        self.client.shell_channel.send(message)
        return str(message["header"]["msg_id"])

    def run(self, code: str, cell_id: str | None = None) -> str:
        """Run a cell to its end; fails with its traceback. The request's id."""
        request = self.start(code, cell_id)
        self.wait(lambda m: m["msg_type"] == "status" and _of(m, request) and m["content"]["execution_state"] == "idle")
        errors = [m for m in self.of(request) if m["msg_type"] == "error"]
        assert not errors, "\n".join(errors[0]["content"]["traceback"])
        return request

    def evaluate(self, expression: str) -> str:
        """What ``print(expression)`` prints."""
        return self.text(self.run(f"print({expression})")).strip()

    def of(self, request: str) -> list[dict[str, Any]]:
        """What came so far for one cell run."""
        return [message for _, message in self.messages if _of(message, request)]

    def text(self, request: str) -> str:
        """What one cell run has printed so far."""
        return "".join(m["content"]["text"] for m in self.of(request) if m["msg_type"] == "stream")

    def views(self, request: str) -> list[str]:
        """Ids of the widgets that one cell run has shown."""
        bundles = [
            m["content"]["data"] for m in self.of(request) if m["msg_type"] in {"display_data", "execute_result"}
        ]
        mime = "application/vnd.jupyter.widget-view+json"
        return [bundle[mime]["model_id"] for bundle in bundles if mime in bundle]

    def wait(self, matches: Any, timeout: float = TIMEOUT_S) -> dict[str, Any]:
        """The first message that matches, of those that came and those to come."""
        for _, message in self.messages:
            if matches(message):
                return message
        deadline = time.monotonic() + timeout
        while (rest := deadline - time.monotonic()) > 0:
            try:
                message = self.client.get_iopub_msg(timeout=rest)
            except queue.Empty:
                break
            self.messages.append((time.monotonic(), message))
            if matches(message):
                return message
        raise AssertionError(f"nothing came in {timeout} s; the last: {[m for _, m in self.messages[-5:]]}")

    def take_messages(self) -> None:
        """Note what has come, without waiting for more."""
        with suppress(queue.Empty):
            while True:
                self.messages.append((time.monotonic(), self.client.get_iopub_msg(timeout=0)))

    def wait_text(self, text: str, request: str) -> None:
        """Wait until a cell run has printed this, in however many messages: a flush may come between two words."""
        if text not in self.text(request):
            self.wait(lambda m: m["msg_type"] == "stream" and text in self.text(request))

    def wait_custom(self, kind: str, model_id: str, **fields: Any) -> dict[str, Any]:
        """The first custom message of this kind, with these fields, to a widget."""

        def fits(message: dict[str, Any]) -> bool:
            if message["msg_type"] != "comm_msg" or message["content"]["comm_id"] != model_id:
                return False
            custom = message["content"]["data"].get("content", {})
            return custom.get("kind") == kind and fields.items() <= custom.items()

        return self.wait(fits)

    def send_custom(
        self, model_id: str, content: dict[str, Any], *, body: bytes | None = None, subshell: str | None = None
    ) -> None:
        """Send a custom message of a widget to the kernel, on a subshell where one is named."""
        message = self.client.session.msg(
            "comm_msg", {"comm_id": model_id, "data": {"method": "custom", "content": content}}
        )
        if subshell is not None:
            message["header"]["subshell_id"] = subshell
        self.client.session.send(self.client.shell_channel.socket, message, buffers=None if body is None else [body])

    def make_subshell(self) -> str:
        """A subshell, as JupyterLab makes one for comm messages."""
        message = self.client.session.msg("create_subshell_request", {})
        self.client.control_channel.send(message)
        reply = self.client.control_channel.get_msg(timeout=TIMEOUT_S)
        return str(reply["content"]["subshell_id"])


def _of(message: dict[str, Any], request: str) -> bool:
    return message["parent_header"].get("msg_id") == request


@contextmanager
def notebook(server_file: Path) -> Iterator[Notebook]:
    """A fresh kernel in which the package is ready to use and ``adata`` has 50 cells."""
    manager = KernelManager(kernel_name="python3")
    manager.start_kernel()
    try:
        opened = Notebook(manager)
        opened.run(PRELUDE.format(server=str(server_file), tests=str(Path(__file__).parent)))
        yield opened
        opened.client.stop_channels()
    finally:
        manager.shutdown_kernel(now=True)
        manager.cleanup_resources()
