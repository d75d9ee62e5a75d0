import { resolve } from 'node:path'
import { build } from 'esbuild'
import * as valibot from 'valibot'
import { beforeAll, expect, test } from 'vitest'
import * as channel from '../../protocol/channel.ts'
import * as comm from '../../protocol/comm.ts'
import * as identity from '../../protocol/identity.ts'
import * as link from '../../protocol/page-link.ts'
import * as small from '../../protocol/small-valibot.ts'

const ROOT = resolve(import.meta.dirname, '../..')
const SOURCES = ['channel', 'comm', 'identity', 'page-link', 'small-valibot'] as const

/** The same schemas as a browser has them, by their names, and what reads them. */
let inBrowsers: Record<string, Parameters<typeof small.safeParse>[0]> & Pick<typeof small, 'safeParse'>
beforeAll(async () => {
  const { outputFiles } = await build({
    stdin: { contents: SOURCES.map((name) => `export * from './protocol/${name}.ts'`).join('\n'), resolveDir: ROOT },
    absWorkingDir: ROOT,
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'neutral',
    alias: { valibot: './protocol/small-valibot.ts' },
  })
  inBrowsers = await import(
    `data:text/javascript;base64,${Buffer.from(outputFiles[0]?.contents ?? []).toString('base64')}`
  )
})

const cells = { encoding: 'u32', count: 2, cellCount: 9 }
const state = {
  embedding: 'X_umap',
  dimensions: 3,
  color: { axis: 'var', key: 'CD3D', layer: null },
  camera: { center: [0, 1, 2], zoom: 2, orbit: [0.1, 0.2] },
  hiddenCategories: { cluster: ['B', 'T'], constructor: ['x'] },
  page: { anything: [1, null] },
}
/** Messages that fit, one of every kind of schema that a browser reads. */
const MESSAGES: readonly (readonly [name: string, schema: valibot.GenericSchema, message: object])[] = [
  ['serverMessageSchema', channel.serverMessageSchema, { kind: 'sorting', done: 0.25, note: 'No room.' }],
  [
    'serverMessageSchema',
    channel.serverMessageSchema,
    { kind: 'welcome', instanceId: 'i', protocol: 1, state, cellSets: 0, commandSeq: 0, savesPictures: true },
  ],
  [
    'serverMessageSchema',
    channel.serverMessageSchema,
    { kind: 'command', seq: 1, command: { kind: 'highlight', cells, color: 'red' } },
  ],
  [
    'serverMessageSchema',
    channel.serverMessageSchema,
    { kind: 'command', seq: 1, command: { kind: 'setColorBy', field: null, color: null } },
  ],
  [
    'serverMessageSchema',
    channel.serverMessageSchema,
    {
      kind: 'command',
      seq: 1,
      command: { kind: 'loadSession', requestId: 'r', state, sets: [{ name: 'a', bytes: 8, cells }] },
    },
  ],
  [
    'serverMessageSchema',
    channel.serverMessageSchema,
    { kind: 'command', seq: 1, command: { kind: 'custom', type: 't', payload: { a: [1] } } },
  ],
  ['serverMessageSchema', channel.serverMessageSchema, { kind: 'kernel', status: 'gone', more: 1 }],
  [
    'pageMessageSchema',
    channel.pageMessageSchema,
    { kind: 'event', id: 'e', event: { kind: 'console', lines: [{ level: 'error', message: 'm', ts: 1 }] } },
  ],
  [
    'identitySchema',
    identity.identitySchema,
    {
      name: 'n',
      kind: 'h5ad',
      nObs: 1,
      nVar: 2,
      version: 'v',
      embeddings: [{ key: 'k', label: 'l', columns: 2, dimensions: [2] }],
      obs: [{ key: 'o', kind: 'continuous' }],
      layers: ['l'],
      hasRaw: false,
      geneIdColumn: null,
      defaultLayer: null,
      defaultEmbedding: 'k',
      defaultColor: { axis: 'obs', key: 'o' },
      notes: [],
    },
  ],
  [
    'kernelMessageSchema',
    comm.kernelMessageSchema,
    { kind: 'response', view: 'v', id: 1, status: 200, headers: { a: 'b', __proto__: null } },
  ],
  ['hintsSchema', comm.hintsSchema, { hubPrefix: '/hub', ssh: true, other: { kept: 1 } }],
  [
    'toPageSchema',
    link.toPageSchema,
    { kind: 'response', id: 1, status: 200, headers: { etag: 'x' }, body: new Uint8Array(2) },
  ],
]
const REPLACEMENTS = [null, 0, Number.NaN, '', 'x', true, [], [1], ['x', null], {}, { kind: 'x' }, new Uint8Array(1)]

test.each(MESSAGES)(
  '%s says yes and no to every change of a message as valibot does, with the same values',
  (name, schema, message) => {
    const read = inBrowsers[name]
    if (read === undefined) throw new Error(`no ${name} in the bundle`)
    expect(inBrowsers.safeParse(read, message)).toMatchObject({ success: true })
    let accepted = 0
    for (const changed of changesOf(message)) {
      const wanted = valibot.safeParse(schema, changed)
      const found = inBrowsers.safeParse(read, changed)
      expect({ changed, success: found.success }).toEqual({ changed, success: wanted.success })
      if (!wanted.success) continue
      accepted++
      expect(found.output).toEqual(wanted.output)
    }
    expect(accepted).toBeGreaterThan(0)
  },
)

test('a member of a record never reaches into what all objects share', () => {
  const read = small.record(small.string(), small.number())
  const { output } = small.safeParse(read, JSON.parse('{"a": 1, "__proto__": 2, "constructor": 3}'))
  expect(output).toEqual({ a: 1 })
  expect(Object.getPrototypeOf(output)).toBe(Object.prototype)
})

/** The value itself, and with each of its members in turn left out or replaced. */
function* changesOf(value: unknown): Generator<unknown> {
  yield value
  yield* REPLACEMENTS
  if (Array.isArray(value)) {
    for (const [i, member] of value.entries()) for (const other of changesOf(member)) yield value.with(i, other)
  } else if (typeof value === 'object' && value !== null && !(value instanceof Uint8Array)) {
    for (const [key, member] of Object.entries(value)) {
      const { [key]: _, ...rest } = value as Record<string, unknown> // an object, as was just asked
      yield rest
      for (const other of changesOf(member)) yield { ...rest, [key]: other }
    }
  }
}
