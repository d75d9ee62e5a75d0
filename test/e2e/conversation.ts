import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { FrameLocator, Page } from 'playwright-core'
import { expect } from 'vitest'
import type { LabStage } from '../stage/lab-stage.ts'
import { cellOutputs, labNotebook, printed, viewerFrame } from '../stage/notebook.ts'
import { countColors, parseHex } from '../stage/picture.ts'
import { chooseGene, colorsSeen, lasso, shows } from './gestures.ts'

const ROOT = resolve(import.meta.dirname, '../..')
/** Of the highlighted cells; no cluster has it. */
const MAGENTA = parseHex('#ff00ff')
const PICTURE_MS = 30_000

/** Everything that the two sides told each other, with what differs from run to run left out. */
export type Conversation = Record<'commands' | 'state' | 'closer' | 'lasso' | 'picture' | 'session' | 'report', unknown>

/**
 * Notebook and page speak about the scenario's cells, coloured by cluster and some of them selected, in every way they
 * can. Ends as it began, with 60 cells highlighted. What comes back must not depend on how it travels.
 */
export async function converse(page: Page, stage: LabStage): Promise<Conversation> {
  const { execute } = labNotebook(page)
  const viewer = viewerFrame(page)
  const tell = async (source: string) => JSON.parse(await execute(source)) as Record<string, unknown>

  const home = await placeOf(viewer, '1')
  const { kernel, ...commands } = await tell(ARRANGE)
  await shows(viewer, 'selected', '3')
  await expect.poll(() => colorsSeen(viewer, [MAGENTA])).toBe(1)
  const state = { kernel, page: await viewer.locator('canvas').first().getAttribute('aria-label') }
  const closer = await lookCloser(page, tell)
  await expect.poll(() => placeOf(viewer, 'made anew'), { message: 'cluster 1 in X_mine, made anew' }).toEqual(home)
  await execute('viewer.set_visibility(); viewer.set_embedding("umap")\nviewer.refresh(); viewer.select_cells([])')
  await chooseGene(viewer, 'made later')

  const asked = execute(WAIT_FOR_A_LASSO)
  await page.locator('.jp-OutputArea-output', { hasText: 'waiting' }).waitFor()
  await shows(viewer, 'selected', '0')
  const selected = await lasso(viewer)
  const waited = await asked
  await expect.poll(async () => printed(await cellOutputs(page, 0))).toContain(`saw ${selected} cells while a cell ran`)

  const { picture, session, report } = await tell(`${TAKE_A_PICTURE}\n${SESSION_OUT_AND_IN}\n${REPORT}`)
  const png = readFileSync(join(stage.lab.folder, 'picture.png'))
  expect(await countColors(page, png, [MAGENTA])).toEqual([expect.toSatisfy((pixels: number) => pixels >= 20)])
  await shows(viewer, 'color', 'louvain')
  await shows(viewer, 'selected', String(selected))
  await expect.poll(() => savedPixels(page), { timeout: PICTURE_MS }).toBeGreaterThanOrEqual(20)
  return { commands, state, closer, lasso: waited.replaceAll(String(selected), 'N'), picture, session, report }
}

/** A cell is pointed at and clicked, a colour cannot be shown, and the picture stands still until it is touched. */
async function lookCloser(page: Page, tell: (source: string) => Promise<unknown>): Promise<unknown> {
  const viewer = viewerFrame(page)
  await tell(LISTEN_CLOSELY)
  const [name, place] = await pointAtACell(viewer)
  await page.mouse.click(...place)
  const told = await tell(`name = ${JSON.stringify(name)}\n${TELL_CLOSELY}`)
  // A frame has only what the notebook's page allows it.
  await viewer.getByRole('button', { name: 'Full screen' }).waitFor({ state: 'attached' })
  expect(await viewer.locator('body').evaluate(mayWriteClipboard)).toBe(true)
  await viewer.locator('.still').waitFor()
  await viewer.getByRole('button', { name: /^made anew/ }).waitFor()
  await viewer.locator('canvas').first().click() // running the cell has moved it
  await viewer.locator('.still').waitFor({ state: 'detached' })
  return told
}

/** Asked of the policy that the frame was given. */
function mayWriteClipboard(): boolean {
  const { featurePolicy } = document as Document & { featurePolicy?: { allowsFeature(name: string): boolean } } // Chromium's
  return featurePolicy?.allowsFeature('clipboard-write') ?? true
}

/** Where the name of a category stands in the picture, in whole pixels. */
async function placeOf(viewer: FrameLocator, name: string): Promise<number[]> {
  const label = viewer.locator('.labels text').getByText(name, { exact: true })
  return Promise.all(['x', 'y'].map(async (axis) => Math.round(Number(await label.getAttribute(axis)))))
}

/** Move the pointer through the picture until it is over a cell. @returns the cell's name as shown, and the place */
async function pointAtACell(viewer: FrameLocator): Promise<[name: string, place: [x: number, y: number]]> {
  const canvas = viewer.locator('canvas').first()
  await canvas.hover()
  const box = await canvas.boundingBox()
  if (box === null) throw new Error('the canvas has no size')
  const shown = viewer.locator('.tooltip strong')
  for (let part = 0.25; part < 0.75; part += 0.005) {
    const place: [number, number] = [box.x + box.width * part, box.y + box.height * part]
    await canvas.page().mouse.move(...place)
    await viewer.locator('body').evaluate(() => new Promise(requestAnimationFrame))
    if ((await shown.count()) === 0) continue
    const named = shown.filter({ hasNotText: /^cell \d+$/ }) // its number stands there until the name has come
    return [(await named.textContent()) ?? '', place]
  }
  throw new Error('there is no cell under any of the places')
}

/** What a reader of the page that nbconvert makes of a saved notebook sees of the highlighted cells, in pixels. */
export async function pixelsInNbconvert(page: Page, file: string): Promise<number> {
  execFileSync(join(ROOT, '.venv/bin/jupyter'), ['nbconvert', '--to', 'html', file], { stdio: 'pipe' })
  const reader = await page.context().newPage()
  try {
    await reader.route(/^https?:/, (route) => route.abort())
    await reader.goto(`file://${file.replace('.ipynb', '.html')}`)
    const image = reader.locator('img[alt*="picture"]').filter({ visible: true }).first()
    const [pixels = 0] = await countColors(page, await image.screenshot(), [MAGENTA])
    return pixels
  } finally {
    await reader.close()
  }
}

/** Magenta pixels of the picture that the notebook file would keep now. */
async function savedPixels(page: Page): Promise<number> {
  const outputs = await cellOutputs(page, 0)
  const png = outputs.map((output) => output.data?.['image/png']).find((data) => typeof data === 'string')
  if (png === undefined) return 0
  const [pixels = 0] = await countColors(page, Buffer.from(png, 'base64'), [MAGENTA])
  return pixels
}

/** Each is acknowledged: the session comes after them all, and holds what they did. */
const ARRANGE = `viewer.highlight_cells(adata.obs_names[:60], color="magenta")
viewer.set_visibility(adata.obs["louvain"] == "0", visible=False)
viewer.select_cells([7, 6, 5, 5])
viewer.set_embedding("pca")
viewer.set_color_by("louvain")
viewer.reset_view()
viewer.send_message({"type": "hello", "value": 1})
adata.obs["made later"] = range(700)
bundle = viewer.get_session_bundle()
state = viewer.state
print(json.dumps({"kernel": {"ready": state.ready, "selection": viewer.selection.tolist(), "color": state.color_by,
    "embedding": state.embedding, "selected": viewer.selected(adata).obs_names.tolist()},
    "sets": {name: len(cells) for name, cells in sorted(bundle.cell_sets.items())},
    "embedding": bundle.state["embedding"], "color": bundle.state["color"], "waiting": viewer._link.waiting}))`

/** Running a cell moves the notebook, and other cells come under the pointer: all count. */
const LISTEN_CLOSELY = `came, told = threading.Condition(), {"hover": [], "click": [], "command_error": []}
def note(event):
    with came:
        told[event["event"]].append(event)
        came.notify()
for hook in ("hover", "click", "command_error"):
    viewer.register_hook(hook, note)
print("{}")`

const TELL_CLOSELY = `adata.obsm["X_mine"] = -adata.obsm["X_umap"]
viewer.set_embedding("mine")
viewer.get_session_bundle()
for label in ("at first", "made anew"):
    adata.obs["group"] = adata.obs["louvain"].map({"1": label}).astype("category")
    viewer.set_color_by("group")
adata.obsm["X_mine"] = adata.obsm["X_umap"].copy()
viewer.set_embedding("mine")
mine = viewer.get_session_bundle().state["embedding"]
viewer._command({"kind": "setEmbedding", "name": "X_gone"}, "set_embedding('gone')")  # as if it went on its way
viewer.freeze()
with came:
    assert came.wait_for(lambda: all(told.values()), 30), told
for hook in ("hover", "click", "command_error"):
    viewer.unregister_hook(hook, note)
named = lambda cell: cell is not None and adata.obs_names[cell] == name
[click], [error] = told["click"], told["command_error"]
print(json.dumps({"hover": any(named(event["cell"]) for event in told["hover"]), "click": [named(click["cell"]), click["button"], click["shift"]],
    "made later": mine, "state": named(viewer.state.click["cell"]), "call": error["call"], "reason": error["reason"]}))`

/** A thread prints into the cell only with the cell's context: else into what the kernel hears last, here the page's words. */
const WAIT_FOR_A_LASSO = `viewer.set_color_by("louvain")
@viewer.on_selection
def tell_of_it(event):
    print("the hook saw", len(event["cells"]), "cells", "while a cell ran" if is_running else "too late")
is_running = True
def say_that_it_waits():
    while not viewer._board._waiters:
        threading.Event().wait(0.001)
    print("waiting", flush=True)
threading.Thread(target=contextvars.copy_context().run, args=(say_that_it_waits,)).start()
event = viewer.wait_for_event("selection", timeout=30, predicate=lambda event: len(event["cells"]) > 0)
print(event["source"], "of", len(event["cells"]), "cells")`

const TAKE_A_PICTURE = `is_running = False
path = viewer.screenshot("picture.png", scale=1)
content = path.read_bytes()
picture = {"path": str(path), "png": content[:4].hex(), "bytes": len(content) > 5000,
    "same size as on screen": int.from_bytes(content[16:20], "big") > 300}`

const SESSION_OUT_AND_IN = `from cellucid_notebook import CellucidError, SessionBundle
path = viewer.get_session_bundle().save("before")
before = viewer.get_session_bundle()
viewer.clear_highlights(); viewer.select_cells([]); viewer.set_color_by("CD3D"); viewer.set_embedding("pca")
between = viewer.get_session_bundle()
viewer.load_session(path)
after = viewer.get_session_bundle()
try:
    viewer.load_session(SessionBundle(700, None, {"color": {"axis": "obs", "key": "gone"}}, {}))
except CellucidError as error:
    refused = str(error)
viewer.load_session(path)
told = viewer.apply_session_to_anndata(adata).obs["cellucid_highlight"].value_counts().to_dict()
names = lambda bundle: sorted(bundle.cell_sets)
session = {"file": path.name, "before": names(before), "after": names(after),
    "between": {"sets": names(between), "color": between.state["color"]["key"], "embedding": between.state["embedding"]},
    "camera": after.state["camera"] == before.state["camera"],
    "color": after.state["color"]["key"], "embedding": after.state["embedding"],
    "refused": refused, "obs": told, "in place": "cellucid_highlight" in adata.obs}`

const REPORT = `import re
found = viewer.debug_connection()
report = {"verdict": re.sub(r"through jupyter-server-proxy|directly|through the notebook", "HOW",
    re.sub(r"WebSocket|long-polling", "CARRIER", re.sub(r"\\d+ ms", "N ms", found["verdict"]))),
    "proven": any(one["verdict"] == "proven" or found["browser"][0]["transport"] == "tunnel"
        for one in found["browser"][0]["candidates"]),
    "command errors": len(found["command_errors"]), "server ended with": found["server_last_words"]}
print(json.dumps({"picture": picture, "session": session, "report": report}))`
