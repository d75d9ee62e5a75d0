import { execFileSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, onTestFinished, test, vi } from 'vitest'
import { encodeCells } from '../../protocol/cells.ts'
import { ERROR_STATUS, type ErrorBody, type ErrorCode, ProtocolError } from '../../protocol/errors.ts'
import { encodeFrame, joinFrames } from '../../protocol/frame.ts'
import type { SourceRead } from '../../protocol/pipe.ts'
import { KEY_HEADER, ROUTES } from '../../protocol/urls.ts'
import { LIMITS } from '../../server/process/limits.ts'
import { appStage } from '../stage/app-stage.ts'
import { requestRaw } from '../stage/raw-http.ts'
import { type KernelAnswer, smallDataset } from '../stage/small-dataset.ts'
import { makeIds, type OpenedViewer, type StartedServer, startServer, tradeToken } from '../stage/start-server.ts'

type Answer = { status: number; body: ErrorBody }
type Asked = {
  method?: string
  pageKey?: string | null
  headers?: Record<string, string>
  body?: string | Uint8Array<ArrayBuffer>
}

/** What the dataset named "small" answers in place of its own answer; each test sets its own. */
let instead: (read: SourceRead) => KernelAnswer | null = () => null
let server: StartedServer
let viewer: OpenedViewer
let key: string
let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cellucid-codes-'))
  const small = smallDataset(60_000)
  execFileSync(join(import.meta.dirname, '../../.venv/bin/python'), ['-c', MAKE_FILES, folder])
  server = await startServer({ read: (read) => instead(read) ?? small(read) })
  viewer = await server.openViewer()
  key = await tradeToken(server.base, viewer)
}, 60_000)
afterEach(() => {
  instead = () => null
})
afterAll(async () => {
  await server?.stop()
  await rm(folder, { recursive: true, force: true })
})

async function ask(path: string, { headers = {}, pageKey = key, ...rest }: Asked = {}): Promise<Answer> {
  const shown = pageKey === null ? headers : { [KEY_HEADER]: pageKey, ...headers }
  const answer = await fetch(`${server.base}${path}`, { headers: shown, ...rest })
  return { status: answer.status, body: (await answer.json()) as ErrorBody } // of our own server
}

/** What the kernel is told, which becomes the exception that the user reads. */
async function askKernel(asking: Promise<unknown>): Promise<Answer> {
  const error = await asking.then(
    () => null,
    (reason: unknown) => reason,
  )
  if (!(error instanceof ProtocolError)) throw new Error(`not refused: ${String(error)}`)
  const { code, message }: ProtocolError = error
  return { status: ERROR_STATUS[code], body: { code, message } }
}

const post = (path: string, body: string | Uint8Array<ArrayBuffer>, headers: Record<string, string> = {}) =>
  ask(path, { method: 'POST', body, headers: { 'content-type': 'application/octet-stream', ...headers } })
/** 5 cells without an embedding, and none at all. */
const MAKE_FILES = `import sys, anndata, numpy as np
adata = anndata.AnnData(np.eye(5, dtype="f4"))
adata.write_h5ad(sys.argv[1] + "/bare.h5ad")
adata[:0].copy().write_h5ad(sys.argv[1] + "/none.h5ad")`

const json = { 'content-type': 'application/json' }
const openPath = (path: string) => server.openViewer({ source: { kind: 'path', path } })

/** Say hello as the first post of a new page. */
async function hello(changes: object): Promise<{ answer: Answer; pageKey: string }> {
  const pageKey = await tradeToken(server.base, viewer)
  const frame = encodeFrame({ kind: 'hello', protocol: 1, ...changes })
  const body = Uint8Array.from(joinFrames([frame]))
  return { answer: await post(`${ROUTES.events}?sequence=1`, body, { [KEY_HEADER]: pageKey }), pageKey }
}

const SENTENCES: Record<ErrorCode, unknown> = {
  bad_request: 'The viewer server cannot read "limit" of this request. Reload the page.',
  bad_frame: 'The posted events did not arrive whole. Reload the page.',
  no_key: 'This data is shown to viewer pages only. Open viewer.viewer_url from the notebook.',
  bad_key: 'This page is not known any more: its viewer or its server ended. Run the cell or the command again.',
  bad_token: 'This link is not valid any more. Run the cell or the command again, or open viewer.viewer_url.',
  forbidden: 'Another web page may not ask for this. Open viewer.viewer_url from the notebook.',
  not_found: 'The viewer server has nothing at this address. Open viewer.viewer_url from the notebook.',
  unknown_viewer: 'This server has no such viewer: it was stopped. Run the cell or the command again.',
  unknown_column: 'Gene "CD3" is not in var_names (5 names). Near it: "CD3D".',
  unknown_layer: 'layer="raw" is not a layer of the dataset, which has none. For adata.raw, write use_raw=True.',
  unknown_embedding: 'embedding="X_tsne" is not in obsm, which has "X_umap".',
  method_not_allowed: 'The viewer server takes no such request here. Open viewer.viewer_url from the notebook.',
  ambiguous: '2 genes are named "CD3D". Ask for one of "CD3D (1 of 2)", "CD3D (2 of 2)".',
  changed: 'ProtocolError: now 5 cells',
  wrong_protocol: 'The page is older than the server: reload the notebook page.',
  closed: 'This page asks for messages that are gone. Reload the notebook page.',
  too_large: 'This is more than the viewer server takes at once. Choose less, or reload the page.',
  range_not_satisfiable: 'The data is shorter than the part that was asked for. Choose it again.',
  misdirected: expect.stringMatching(/^The viewer server does not know the name it was reached by. Behind a proxy/),
  unsupported: expect.stringMatching(
    /page\.h5ad" is a web page that was saved under this name\. Download the file itself again/,
  ),
  malformed: expect.stringMatching(
    /noise\.h5ad" is not an HDF5 file: .+ Pass a file that adata\.write_h5ad\(\) wrote\.$/,
  ),
  no_embedding: expect.stringMatching(/obsm.+sc\.tl\.umap/),
  no_cells: '"small" has no cells (0 rows in obs): there is nothing to show.',
  internal: 'The viewer server failed at this. viewer.debug_connection() shows its log.',
  kernel_busy:
    'The notebook computes and has not handed over this data yet. Choose it again when the running cell has ended.',
  kernel_gone: 'The notebook kernel has ended. Run the cell again.',
  overloaded: '1000 commands wait for a page that shows this viewer; display it, then try again.',
  timed_out: 'The data did not arrive in time. Choose it again.',
}

/** Each code by what really leads to it, and the sentence that somebody then reads. */
const CAUSES: Record<Exclude<ErrorCode, 'kernel_gone' | 'kernel_busy' | 'timed_out'>, () => Promise<Answer>> = {
  bad_request: () => ask(`${ROUTES.genes}?query=CD&limit=many`),
  bad_frame: () => post(`${ROUTES.events}?sequence=1`, Uint8Array.of(255, 0, 0, 0, 1)),
  no_key: () => ask(ROUTES.identity, { pageKey: null }),
  async bad_key() {
    const closed = await server.openViewer()
    const ofClosed = await tradeToken(server.base, closed)
    await server.kernel.call('viewer.close', { viewerId: closed.viewerId, reason: 'stopped' })
    return ask(ROUTES.identity, { pageKey: ofClosed })
  },
  bad_token: () => post(ROUTES.key, JSON.stringify({ ...makeIds(), viewerId: viewer.viewerId }), json),
  forbidden: () => ask(ROUTES.identity, { headers: { origin: 'https://evil.example' } }),
  not_found: () => ask('_cellucid/nothing'),
  unknown_viewer: () => askKernel(server.kernel.call('report', { viewerId: makeIds().viewerId })),
  unknown_column: () => ask(`${ROUTES.varColumn}?in=X&key=CD3`),
  unknown_layer: () => ask(`${ROUTES.varColumn}?key=CD3D&in=layers&layer=raw`),
  unknown_embedding: () => ask(`${ROUTES.embedding}?key=X_tsne`),
  method_not_allowed: () => ask(ROUTES.identity, { method: 'DELETE' }),
  ambiguous() {
    instead = (read) => (read.what === 'varNames' ? names(['CD3D', 'CD3D', 'NKG7', 'LYZ', 'ACTB']) : null)
    return askOther(`${ROUTES.varColumn}?in=X&key=CD3D`)
  },
  changed() {
    instead = (read) => (read.what === 'obs' ? refuse('changed', 'now 5 cells') : null)
    return ask(`${ROUTES.obsColumn}?key=score`)
  },
  wrong_protocol: async () => (await hello({ protocol: 99 })).answer,
  async closed() {
    const { pageKey } = await hello({})
    return ask(`${ROUTES.commands}?after=500`, { pageKey })
  },
  too_large: () => post(ROUTES.key, JSON.stringify({ ...makeIds(), more: 'x'.repeat(LIMITS.keyBodyBytes) }), json),
  range_not_satisfiable: () => ask(`${ROUTES.varColumn}?in=X&key=ACTB`, { headers: { range: 'bytes=9000000-' } }),
  misdirected: () => askAs('evil.example'),
  async unsupported() {
    const path = join(folder, 'page.h5ad')
    await writeFile(path, '<html>Log in to download</html>')
    return askKernel(openPath(path))
  },
  async malformed() {
    const path = join(folder, 'noise.h5ad')
    await writeFile(path, 'noise')
    return askKernel(openPath(path))
  },
  no_embedding: () => askKernel(openPath(join(folder, 'bare.h5ad'))),
  no_cells: () => askKernel(openPath(join(folder, 'none.h5ad'))),
  async internal() {
    instead = (read) => (read.what === 'varNames' ? { result: {}, body: Buffer.from('"no list') } : null)
    return askOther(`${ROUTES.genes}?query=CD`)
  },
  overloaded: () => fillOutbox(),
}

test.each(Object.entries(CAUSES))(
  '%s is answered to what causes it, with its status and a sentence',
  async (code, cause) => {
    const { status, body } = await cause()
    expect({ status, body }).toEqual(said(code as ErrorCode)) // a key of CAUSES
  },
)

test('kernel_gone is answered to a read that waits when the kernel ends', async () => {
  const asked = Promise.withResolvers<void>()
  const read = (question: SourceRead): KernelAnswer | Promise<KernelAnswer> => {
    if (question.what !== 'obs') return smallDataset()(question)
    asked.resolve()
    return new Promise(() => undefined)
  }
  const own = await startServer({ read })
  const headers = { [KEY_HEADER]: await tradeToken(own.base, await own.openViewer()) }
  const waiting = fetch(`${own.base}${ROUTES.obsColumn}?key=score`, { headers })
  await asked.promise
  await own.stop()
  const answer = await waiting
  expect({ status: answer.status, body: await answer.json() }).toEqual(said('kernel_gone'))
})

test.each(['timed_out', 'kernel_busy'] as const)('%s is answered to a read that takes too long', async (code) => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  onTestFinished(() => void vi.useRealTimers())
  const { app, open, key: keyOf } = await appStage()
  const slow = open()
  const never = () => new Promise<never>(() => undefined)
  const { signal } = new AbortController()
  // The kernel computes without a pause: it holds the read that the server asked of it.
  if (code === 'kernel_busy') void slow.pulse.watch(never)({ what: 'describe' }, signal)
  const asked = Promise.withResolvers<void>()
  vi.spyOn(await slow.source, 'obs').mockImplementation(() => {
    asked.resolve()
    return never()
  })
  const waiting = app.inject({ url: `/${ROUTES.obsColumn}?key=score`, headers: keyOf(slow).headers })
  await asked.promise
  await vi.advanceTimersByTimeAsync(LIMITS.dataTimeoutMs)
  const answer = await waiting
  expect({ status: answer.statusCode, body: answer.json() }).toEqual(said(code))
})

test('no code of the closed list is without its cause here', () => {
  expect([...Object.keys(CAUSES), 'kernel_gone', 'timed_out', 'kernel_busy'].sort()).toEqual(
    Object.keys(ERROR_STATUS).sort(),
  )
})

function said(code: ErrorCode) {
  return { status: ERROR_STATUS[code], body: { code, message: SENTENCES[code] } }
}

/** A dataset of its own in the kernel: the answer of its page. */
async function askOther(path: string): Promise<Answer> {
  const other = await server.openViewer({ source: { kind: 'kernel', sourceId: 'other' } })
  return ask(path, { pageKey: await tradeToken(server.base, other) })
}

async function askAs(host: string): Promise<Answer> {
  const { status, body } = await requestRaw(server.port, { target: '/', headers: [['Host', host]] })
  return { status, body: JSON.parse(body) as ErrorBody } // of our own server
}

/** Commands that no page takes: the first that is too many is refused to the kernel. */
async function fillOutbox(): Promise<Answer> {
  const { viewerId } = await server.openViewer()
  const { head, body } = encodeCells(Uint32Array.of(1), 60_000)
  for (let seq = 1; seq <= LIMITS.outboxCommands + 1; seq++) {
    server.kernel.notify(
      'viewer.command',
      { viewerId, seq, command: { kind: 'highlight', color: '#ff0000', cells: head } },
      body,
    )
  }
  const { params } = await server.kernel.hear('viewer.ack', (ack) => ack.viewerId === viewerId && !ack.ok)
  expect(params.seq).toBe(LIMITS.outboxCommands + 1)
  return { status: ERROR_STATUS.overloaded, body: { code: 'overloaded', message: params.reason ?? '' } }
}

function names(list: readonly string[]): KernelAnswer {
  return { result: {}, body: Buffer.from(JSON.stringify(list)) }
}

function refuse(code: ErrorCode, message: string): never {
  throw new ProtocolError(code, message)
}
