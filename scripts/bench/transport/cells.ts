/**
 * The code cells of the measured notebook. The peer is what one would write by hand: an anywidget that passes its model
 * on, and whose kernel half answers each message from a thread of its own.
 */

const PLAIN_COMM = `
import os, queue, threading
from pathlib import Path
import anywidget, anndata, numpy
import cellucid_notebook
from cellucid_notebook import show_anndata

class PlainComm(anywidget.AnyWidget):
    _esm = "export default { render({ model }) { globalThis.plainComm = model } }"

    def __init__(self, bodies):
        self._bodies = bodies
        self._asked = queue.SimpleQueue()
        super().__init__()
        self.on_msg(lambda _widget, content, _buffers: self._asked.put(content))
        threading.Thread(target=self._answer, daemon=True).start()

    def _answer(self):
        while True:
            asked = self._asked.get()
            body = self._bodies[asked["name"]][asked["start"] : asked["end"]]
            self.send({"id": asked["id"]}, [bytes(body)])

html = (Path(cellucid_notebook.__file__).parent / "_static/page/index.html").read_bytes()
random = numpy.random.default_rng(0)

def dataset(cell_count):
    coordinates = random.normal(size=(cell_count, 2)).astype("f4")
    return anndata.AnnData(obs={"group": numpy.arange(cell_count) % 7}, obsm={"X_umap": coordinates})
`

/** @param template of an address that the kernel announces beside the usual ones, as code-server does */
export function benchCells(cellCount: number, template: string | null): string[] {
  const announce = template === null ? '' : `os.environ["VSCODE_PROXY_URI"] = ${JSON.stringify(template)}\n`
  return [
    `${PLAIN_COMM}
${announce}few = dataset(1_000)
many = dataset(${cellCount})
echo = PlainComm({"html": html, "echo": bytes(100), "positions": many.obsm["X_umap"].tobytes()})
echo`,
    'viewer = show_anndata(few, height=240, snapshot=False)',
    'large = show_anndata(many, height=240, snapshot=False)',
    'print(viewer.connection)',
    'os.environ["KERNEL_GATEWAY"] = "1"\nas_text = show_anndata(many, height=240, snapshot=False)',
  ]
}

/** Their places in the notebook. */
export const CELLS = { prepare: 0, showFew: 1, showMany: 2, connection: 3, showAsText: 4 } as const
