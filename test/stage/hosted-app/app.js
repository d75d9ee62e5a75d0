// A stand-in for cellucid's hosted viewer, written for these tests from what the published Python packages say of the
// wire (cellucid 0.0.9: jupyter.py, server.py, anndata_server.py; 0.9.4: jupyter/_wire.py). It is as strict as they are:
// exact keys in the query, in health and in the list of datasets. Nothing of the real viewer is in it.
import { paint } from './paint-BUILD.js'

const base = new URL('.', location.href)
const query = Object.fromEntries(new URLSearchParams(location.search))
const state = document.documentElement.dataset
state.build = 'BUILD'
state.commands = '0'

function exactKeys(value, ...allowed) {
  const keys = Object.keys(value).sort().join()
  if (!allowed.some((set) => [...set].sort().join() === keys)) throw new Error(`Other keys than agreed: ${keys}`)
  return value
}

async function ask(path) {
  const response = await fetch(new URL(path, base))
  if (!response.ok) throw new Error(`${path} was answered with ${response.status}`)
  return response
}
const askJson = async (path) => (await ask(path)).json()
const askArray = async (path, type) => new type(await (await ask(path)).arrayBuffer())

async function tell(event) {
  if (!isInNotebook) return
  const response = await fetch(new URL('_cellucid/events', base), {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ ...event, viewerId: query.viewerId }),
  })
  exactKeys(await response.json(), ['status', 'delivered'])
}

const HEALTH = ['status', 'type', 'version']
const NOTEBOOK = ['jupyter', 'viewerId', 'viewerToken']
// Served from a terminal, nobody listens to events and nobody sends commands.
const isInNotebook = query.jupyter === 'true'

async function start() {
  exactKeys(query, [], ['anndata'], NOTEBOOK, [...NOTEBOOK, 'anndata'])
  const anndata = ['format', 'is_backed', 'n_cells', 'n_genes']
  const health = exactKeys(await askJson('_cellucid/health'), HEALTH, [...HEALTH, ...anndata])
  if ((health.type === 'anndata') !== (query.anndata === 'true')) throw new Error('The address and health disagree.')
  await askJson('_cellucid/info')
  const { datasets } = exactKeys(await askJson('_cellucid/datasets'), ['datasets'])
  const { path } = exactKeys(datasets[0], ['id', 'path', 'name'])
  const at = (name) => `.${path}${name}`
  const identity = await askJson(at('dataset_identity.json'))
  const [obs, genes] = [await askJson(at('obs_manifest.json')), await askJson(at('var_manifest.json'))]
  const dimension = identity.embeddings.default_dimension
  const positions = await askArray(at(identity.embeddings.files[`${dimension}d`]), Float32Array)
  if (positions.length !== identity.stats.n_cells * dimension) throw new Error('Positions of another length.')
  const dataset = { at, identity, obs, genes, positions, dimension, highlights: new Map(), hidden: new Set() }
  await colorBy(dataset, obs._categoricalFields[0]?.[0] ?? obs._continuousFields[0]?.[0] ?? genes.fields[0]?.[0])
  if (isInNotebook) listen(dataset)
  watchClicks(dataset)
  offerSession(identity)
  paint(dataset)
  state.cells = String(identity.stats.n_cells)
  state.drawn = 'true'
  document.getElementById('status').textContent = `${identity.name}: ${identity.stats.n_cells} cells`
  await tell({ type: 'ready', n_cells: identity.stats.n_cells, dimensions: dimension })
}

const fileOf = (pattern, key, ext) => pattern.replace('{key}', safeName(key)).replace('{ext}', ext)
const safeName = (key) => key.replace(/[^A-Za-z0-9._-]+/g, '_').replace(/^[._]+|[._]+$/g, '') || 'field'

async function colorBy(dataset, field) {
  const { at, obs, genes } = dataset
  const category = obs._categoricalFields.find(([key]) => key === field)
  const number = obs._continuousFields.find(([key]) => key === field)
  const gene = genes.fields.find(([key]) => key === field)
  if (category !== undefined) {
    const [key, categories, dtype] = category
    const schema = obs._obsSchemas.categorical
    const codes = await askArray(
      at(fileOf(schema.codesPathPattern, key, dtype === 'uint8' ? 'u8' : 'u16')),
      dtype === 'uint8' ? Uint8Array : Uint16Array,
    )
    dataset.colors = Array.from(codes, (code) => (code < categories.length ? code / categories.length : Number.NaN))
  } else if (number !== undefined || gene !== undefined) {
    const pattern = gene === undefined ? obs._obsSchemas.continuous.pathPattern : genes._varSchema.pathPattern
    const values = await askArray(at(fileOf(pattern, field, 'f32')), Float32Array)
    const most = values.reduce((a, b) => Math.max(a, b), 1e-9)
    dataset.colors = Array.from(values, (value) => value / most)
  } else throw new Error(`There is no field ${field}.`)
  if (dataset.colors.length !== dataset.identity.stats.n_cells) throw new Error('A column of another length.')
  state.color = field
}

function listen(dataset) {
  addEventListener('message', ({ source, data }) => {
    if (source !== parent || data?.viewerId !== query.viewerId || data?.viewerToken !== query.viewerToken) return
    const { viewerId, viewerToken, ...message } = data
    obey(dataset, message).then(
      () => {
        state.commands = String(Number(state.commands) + 1)
        paint(dataset)
      },
      (error) => tell({ type: 'command_error', command: message.type, reason: String(error.message ?? error) }),
    )
  })
}

async function obey(dataset, message) {
  switch (message.type) {
    case 'ping':
      return tell({ type: 'pong', requestId: exactKeys(message, ['type', 'requestId']).requestId, t: Date.now() })
    case 'setColorBy':
      return colorBy(dataset, exactKeys(message, ['type', 'field']).field)
    case 'highlight': {
      const { cells, color } = exactKeys(message, ['type', 'cells', 'color'])
      for (const cell of cells) dataset.highlights.set(cell, color)
      state.highlighted = String(dataset.highlights.size)
      return
    }
    case 'clearHighlights':
      exactKeys(message, ['type'])
      dataset.highlights.clear()
      state.highlighted = '0'
      return
    case 'setVisibility': {
      const { cells, visible } = exactKeys(message, ['type', 'cells', 'visible'])
      const meant = cells ?? Array.from({ length: dataset.identity.stats.n_cells }, (_, i) => i)
      for (const cell of meant) visible ? dataset.hidden.delete(cell) : dataset.hidden.add(cell)
      state.hidden = String(dataset.hidden.size)
      return
    }
    case 'resetCamera':
    case 'freeze':
      exactKeys(message, ['type'])
      state[message.type === 'freeze' ? 'frozen' : 'reset'] = 'true'
      return
    case 'debug_snapshot': {
      const { requestId } = exactKeys(message, ['type', 'requestId'])
      const facts = { ts: new Date().toISOString(), locationHref: location.href, origin, serverUrl: base.href }
      const more = { connected: true, parentOrigin: origin, userAgent: navigator.userAgent }
      return tell({ type: 'debug_snapshot', requestId, ...facts, ...more })
    }
    case 'requestSessionBundle': {
      const { requestId } = exactKeys(message, ['type', 'requestId'])
      const where = new URL('_cellucid/session_bundle', base)
      where.search = new URLSearchParams({ viewerId: query.viewerId, requestId })
      const response = await fetch(where, { method: 'POST', body: sessionOf('stand-in') })
      if (!response.ok) throw new Error(`The session was answered with ${response.status}`)
      return
    }
    default:
      throw new Error(`Unknown command ${message.type}`)
  }
}

/** A click selects the ten cells nearest in order of the rows: enough to see a selection arrive. */
function watchClicks({ identity }) {
  document.getElementById('cells').addEventListener('click', ({ offsetX, button, shiftKey, ctrlKey }) => {
    const cell = Math.min(identity.stats.n_cells - 10, Math.max(0, Math.floor(offsetX)))
    const cells = Array.from({ length: 10 }, (_, i) => cell + i)
    void tell({ type: 'click', cell, button, shift: shiftKey, ctrl: ctrlKey })
    void tell({ type: 'selection', cells, source: 'lasso' })
  })
}

/** A session goes to the user's disk and comes from there; the server has no part in it. */
function offerSession(identity) {
  document.getElementById('save').addEventListener('click', () => {
    const link = document.createElement('a')
    link.href = URL.createObjectURL(sessionOf(state.color))
    link.download = `${identity.id}.cellucid-session`
    link.click()
  })
  document.getElementById('load').addEventListener('change', async ({ target }) => {
    const text = await target.files[0].text()
    state.restored = /^CELLUCID_SESSION\n(.*)$/.exec(text)?.[1] ?? 'not a session'
  })
}
const sessionOf = (content) => new Blob(['CELLUCID_SESSION\n', content])

start().catch((error) => {
  state.failed = String(error.message ?? error)
  document.getElementById('status').textContent = `Failed: ${state.failed}`
})
