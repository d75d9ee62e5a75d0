import { readFileSync } from 'node:fs'
import { glob } from 'node:fs/promises'
import * as v from 'valibot'
import { describe, expect, test } from 'vitest'
import {
  type Column,
  decodeColumn,
  decodeEmbedding,
  encodeColumn,
  encodeEmbedding,
} from '../../protocol/column-frame.ts'
import { isNamed, keysOf, type Source, schemasOf } from '../stage/wire-readers.ts'

const ROOT = new URL('../../', import.meta.url).pathname

/** Who reads what a schema describes, by the name under which protocol/ exports it: files and folders. */
const READERS: Record<string, readonly string[]> = {
  // Page → server. Events and states go on to the kernel, states come back to pages.
  pageMessageSchema: ['server/viewers', 'server/http', 'server/routes/channel.ts'],
  eventSchema: ['python/cellucid_notebook/viewer.py', 'python/cellucid_notebook/_viewer'],
  consoleLineSchema: ['python/cellucid_notebook/_report'],
  pageStateSchema: ['page/state', 'page/viewer'],
  colorBySchema: ['page', 'data/anndata'],
  cameraSchema: ['page'],
  cellsHeadSchema: ['protocol/cells.ts'],
  matrixSchema: ['protocol/matrix.ts'],
  // Server → page.
  challengeSchema: ['page/connection'],
  answerSchema: ['page/connection'],
  serverMessageSchema: ['page/connection', 'page/viewer', 'page/panel'],
  sortingSchema: ['page'],
  commandSchema: ['page/viewer', 'page/state', 'page/hosted'],
  pollHeadSchema: ['page/connection'],
  identitySchema: ['page', 'protocol/identity.ts', 'server/hosted-ui/export'],
  embeddingInfoSchema: ['page'],
  obsFieldSchema: ['page', 'protocol/identity.ts'],
  matrixEntrySchema: ['page'],
  geneNameSchema: ['page'],
  geneNamesSchema: ['page'],
  hostedStateSchema: ['page/hosted', 'python/cellucid_notebook/_hosted_ui.py', 'python/cellucid_notebook/_report'],
  hostedAnswerSchema: ['page/hosted'],
  hostedAskSchema: ['server/hosted-ui'],
  // Widget ⇄ kernel.
  hintsSchema: ['widget'],
  kernelMessageSchema: ['widget'],
  candidateReportSchema: ['python/cellucid_notebook/_report'],
  widgetMessageSchema: ['python/cellucid_notebook/_notebook'],
  // Widget ⇄ page.
  pageReadySchema: ['widget'],
  connectSchema: ['page/connection'],
  toPageSchema: ['page'],
  fromPageSchema: ['widget'],
  // Kernel → server.
  sourceSpecSchema: ['server/kernel', 'server/sources', 'data'],
  openOptionsSchema: ['server/kernel', 'server/sources', 'data'],
  kernelCallSchema: ['server/kernel', 'server/viewers', 'server/http/tunnel.ts'],
  comparedGroupSchema: ['server/kernel', 'server/sources', 'data'],
  // Server → kernel, and what the kernel answers.
  serverCallSchema: ['python/cellucid_notebook/_server', 'python/cellucid_notebook/_wire/pipe.py'],
  sourceReadSchema: ['python/cellucid_notebook/_data'],
  kernelDescriptionSchema: ['data'],
  sortingAnswerSchema: ['server/viewers/sort-progress.ts'],
  denseAnswerSchema: ['data/kernel'],
  sparseAnswerSchema: ['data/kernel'],
  storedColorSchema: ['data/anndata'],
  codesAnswerSchema: ['data/kernel'],
  columnAnswerSchema: ['data/kernel'],
  arrayAnswerSchema: ['data/kernel'],
  layoutAnswerSchema: ['server/sources', 'data'],
  blockAnswerSchema: ['server/sources', 'data'],
  // Folders that cellucid's prepare() wrote.
  exportIdentitySchema: ['server/sources/export'],
  obsManifestSchema: ['server/sources/export'],
  varManifestSchema: ['server/sources/export'],
}

/** What no code of ours need name. */
const READ_BY_OTHERS: Record<string, readonly string[]> = {
  eventSchema: [
    // Users, in the dict that their callbacks are given.
    '<hover>.position',
    '<click>.button',
    '<click>.shift',
    '<click>.ctrl',
    // The server, which keeps them for the report.
    '<console>',
    '<console>.lines',
    // Users again.
    '<sessionBundle>.status',
    '<sessionBundle>.bytes',
    // Whoever waits for its `requestId`.
    '<pong>',
    '<debugSnapshot>',
    // Users again.
    '<custom>.payload',
  ],
}

const schemas = await schemasOf(ROOT)

test('each schema of the protocol says who reads it', () => {
  expect([...schemas.keys()].sort()).toEqual(Object.keys(READERS).sort())
})

describe.each([...schemas])('%s', (name, schema) => {
  const own = new Set([...schemas.values()].filter((other) => other !== schema))
  test('names no key that nobody reads', async () => {
    const texts = await textsOf(READERS[name] ?? [])
    const unread = keysOf(schema, own).filter((place) => !texts.some((text) => isNamed(place, text)))
    expect(unread.map(({ path }) => path)).toEqual(READ_BY_OTHERS[name] ?? [])
  })
})

/** What a frame's header says beside what is shown: how long it is, where its parts lie, and pandas' own `ordered`. */
const FRAMING = new Set(['n', 'sections', 'ordered'])

test.each(frames())('the page reads all that the header of %s says', async (_name, frame, decoded) => {
  const texts = await textsOf(['page'])
  const keys = Object.keys(headerOf(frame)).filter((key) => !FRAMING.has(key))
  expect(keys.filter((key) => !(key in decoded))).toEqual([])
  const isRead = (word: string) => texts.some((text) => isNamed({ path: word, word, isKind: false }, text))
  expect(keys.filter((key) => !isRead(key))).toEqual([])
})

describe('a planted key', () => {
  const planted = v.variant('kind', [
    v.object({ kind: v.literal('known'), read: v.string() }),
    v.object({ kind: v.literal('new'), within: v.array(v.object({ planted: v.optional(v.number()) })) }),
  ])
  const found = (text: string, isPython: boolean) =>
    keysOf(planted, new Set()).flatMap((place) => (isNamed(place, { text, isPython }) ? [] : [place.path]))

  test('that is written, declared or spoken of, and not read, is found in TypeScript', () => {
    const reader = `switch (message.kind) { case 'known': return message.read }
      // message.planted is for case 'new', by within
      const sent: { planted: number } = { kind: 'new', within: [], planted: 1 }`
    expect(found(reader, false)).toEqual(['<new>', '<new>.within', '<new>.within[].planted'])
    const { length } = found(`${reader}\nif (m.kind === 'new') for (const { planted } of m.within) use(planted)`, false)
    expect(length).toBe(0)
  })

  test('and in Python', () => {
    const reader = `match m["kind"]:
      case "known": return m["read"]
      # m["within"] is for "new"
      sent = {"kind": "new", "within": [], "planted": 1}
      m["planted"] = 2`
    expect(found(reader, true)).toEqual(['<new>', '<new>.within', '<new>.within[].planted'])
    expect(found(`${reader}\nif m["kind"] == "new": use(m["within"][0].get("planted"))`, true)).toEqual([])
  })
})

function frames(): [string, Uint8Array, object][] {
  const values = Float32Array.of(1, 2)
  const range = { min: 1, max: 2, missingCells: 0, note: 'x', version: 'v' }
  const rows = Uint32Array.of(0, 1)
  const labels = { categories: ['a'], ordered: false, colors: ['#123456'], colorNote: 'x', missingCells: 0 }
  const box = { center: [0, 0], scale: 1, low: [0, 0], high: [1, 1], missingCells: 0, yDown: false, version: 'v' }
  const columns: Column[] = [
    { kind: 'dense', values, ...range },
    { kind: 'sparse', n: 2, rows, values, ...range },
    { kind: 'codes', codes: Uint8Array.of(0, 0), ...labels, version: 'v' },
  ]
  const embedding = encodeEmbedding({ kind: 'embedding', key: 'X', dimensions: 1, positions: values, ...box })
  return [
    ...columns.map((column): [string, Uint8Array, object] => {
      const frame = encodeColumn(column)
      return [column.kind, frame, decodeColumn(frame, 2)]
    }),
    ['embedding', embedding, decodeEmbedding(embedding, 2)],
  ]
}

function headerOf(frame: Uint8Array): object {
  const length = new DataView(frame.buffer, frame.byteOffset).getUint32(8, true)
  return JSON.parse(new TextDecoder().decode(frame.subarray(12, 12 + length)))
}

async function textsOf(places: readonly string[]) {
  const texts: Source[] = []
  for (const place of places) {
    const pattern = /\.\w+$/.test(place) ? place : `${place}/**/*.{ts,tsx,py}`
    for await (const file of glob(pattern, { cwd: ROOT })) {
      texts.push({ text: readFileSync(`${ROOT}${file}`, 'utf8'), isPython: file.endsWith('.py') })
    }
  }
  return texts
}
