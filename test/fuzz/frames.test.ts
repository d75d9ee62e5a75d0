import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import fc from 'fast-check'
import * as v from 'valibot'
import { expect } from 'vitest'
import { decodeCells } from '../../protocol/cells.ts'
import { pageMessageSchema, serverMessageSchema } from '../../protocol/channel.ts'
import { decodeColumn, decodeEmbedding } from '../../protocol/column-frame.ts'
import { ProtocolError } from '../../protocol/errors.ts'
import { encodeMessage, type Frame, FrameAssembler, joinFrames, splitFrames } from '../../protocol/frame.ts'
import { kernelCallSchema, serverCallSchema } from '../../protocol/pipe.ts'
import { messageName, missOf } from '../../protocol/refusal.ts'
import { Tunnel } from '../../server/http/tunnel.ts'
import { Pipe } from '../../server/kernel/json-rpc-pipe.ts'
import { MessageReader } from '../../server/kernel/message-reader.ts'
import { piecesOf } from '../../server/process/stdio.ts'
import { appStage } from '../stage/app-stage.ts'
import { fuzz } from './fuzz.ts'
import { brokenFrame, type Change, changed, changes, frameOf, hostileJson, nearly } from './hostile.ts'

const FIXTURES = join(import.meta.dirname, '../../protocol/fixtures')
const fixture = (name: string) => Uint8Array.from(readFileSync(join(FIXTURES, name)))
const COLUMNS = ['codes-wide', 'codes', 'dense-doubles', 'dense-integers', 'dense', 'sparse-integers', 'sparse'].map(
  (name) => fixture(`column-${name}.bin`),
)
const EMBEDDING = fixture('embedding.bin')
/** Of the columns in the fixtures, and what a reader may take it for. */
const cellCount = fc.constantFrom(0, 5, 6, 8, 10, 12, 300)

/** What a reader makes of bytes: its value, or the refusal of the closed list. Any other error is a fault. */
function outcome(read: () => unknown): { value: unknown } | { code: string } {
  try {
    return { value: read() }
  } catch (error) {
    if (error instanceof ProtocolError) return { code: error.code }
    throw error
  }
}

const nameOf = (found: { value: unknown } | { code: string }) => ('code' in found ? found.code : 'read')

type ColumnCase = { of: number; how: Change[]; cells: number; header: string | null; shift: number }
fuzz<ColumnCase>({
  name: 'column',
  holds: 'a changed frame of a column or an embedding is read or refused as bad_frame, wherever in memory it lies',
  runs: 300,
  async open() {
    const header = nearly({
      kind: fc.constantFrom('"dense"', '"sparse"', '"codes"', '"embedding"'),
      sections: fc.constantFrom('[["f4",2]]', '[["u4",1],["f4",1]]', '[["u1",8]]', '[["f8",1e15]]', '[["u2",-1]]'),
      n: fc.constantFrom('1', '2', '8'),
      dimensions: fc.constantFrom('1', '2'),
      categories: fc.constantFrom('["a"]', '[1]'),
      colors: fc.constantFrom('["#ff0000"]', '[]'),
      center: hostileJson,
      key: hostileJson,
    })
    return {
      input: fc.record({
        of: fc.nat(COLUMNS.length),
        how: changes,
        cells: cellCount,
        header: fc.option(header, { nil: null }),
        shift: fc.nat(7),
      }),
      run({ of, how, cells, header: text, shift }) {
        const whole = COLUMNS[of] ?? EMBEDDING
        const frame = text === null ? changed(whole, how) : columnOf(whole, text)
        const moved = new Uint8Array(frame.length + shift).subarray(shift)
        moved.set(frame)
        const decode = of < COLUMNS.length ? decodeColumn : decodeEmbedding
        const found = outcome(() => decode(frame, cells))
        expect(outcome(() => decode(moved, cells))).toEqual(found)
        return nameOf(found)
      },
    }
  },
})

/** A column frame with another header. */
function columnOf(whole: Uint8Array, header: string): Uint8Array {
  const framed = frameOf(header, new Uint8Array(16))
  const frame = new Uint8Array(8 + framed.length)
  frame.set(whole.subarray(0, 8))
  frame.set(framed, 8)
  return frame
}

type StreamCase = {
  messages: { text: string; size: number }[]
  broken: Uint8Array | null
  how: Change[] | null
  cuts: number[]
}
fuzz<StreamCase>({
  name: 'pipe',
  holds: 'a stream of frames says the same however it is cut, and ends as bad_frame where it is broken',
  runs: 100,
  async open() {
    return {
      input: fc.record({
        messages: fc.array(fc.record({ text: hostileJson, size: fc.constantFrom(0, 0, 1, 8, 8, 1_100_000) }), {
          maxLength: 3,
        }),
        broken: fc.option(brokenFrame, { nil: null }),
        how: fc.option(changes, { nil: null }),
        cuts: fc.array(fc.integer({ min: 1, max: 5_000 }), { minLength: 1, maxLength: 5 }),
      }),
      async run({ messages, broken, how, cuts }) {
        const frames = messages.flatMap(({ text, size }, i) =>
          size === 0
            ? [frameOf(text, new Uint8Array())]
            : [...encodeMessage({ text: text.slice(0, 40) }, new Uint8Array(size), i)],
        )
        const stream = joinFrames(broken === null ? frames : [...frames, broken])
        const bytes = how === null ? stream : changed(stream, how)
        const inOne = readAll([bytes])
        expect(readAll(piecesIn(bytes, cuts))).toEqual(inOne)
        const split = outcome(() => splitFrames(bytes))
        if ('value' in split && inOne.code === null) expect(inOne.count).toBeLessThanOrEqual(frames.length + 1)
        await readByPipe(bytes)
        return inOne.code ?? 'read'
      },
    }
  },
})

/** JSON has no other numbers: they would be written as null. */
function finite(_key: string, value: unknown): unknown {
  if (typeof value === 'number') expect(value).toSatisfy(Number.isFinite)
  return value
}

function piecesIn(bytes: Uint8Array, cuts: readonly number[]): Uint8Array[] {
  const pieces: Uint8Array[] = []
  let at = 0
  for (let i = 0; at < bytes.length; i++) {
    // Small ones first; the rest of a large body at once.
    const size = i < 200 ? (cuts[i % cuts.length] ?? 1) : bytes.length
    pieces.push(bytes.subarray(at, at + size))
    at += size
  }
  return pieces
}

/** The messages up to the first that is none. */
function readAll(pieces: readonly Uint8Array[]): { count: number; sizes: number[]; code: string | null } {
  const reader = new MessageReader()
  const read: Frame[] = []
  for (const piece of pieces) {
    const found = outcome(() => reader.push(piece))
    // What a piece held before what is broken in it is dropped with it: the pipe ends there.
    if ('code' in found) return { count: 0, sizes: [], code: found.code }
    read.push(...(found.value as Frame[])) // as push answers
  }
  return { count: read.length, sizes: read.map(({ body }) => body.length), code: null }
}

/** The same through the pipe itself, with whoever answers failing: it ends with a reason, and nothing escapes. */
async function readByPipe(bytes: Uint8Array): Promise<void> {
  const input = new PassThrough()
  const pipe = new Pipe(new PassThrough().resume())
  const ended = pipe.read(piecesOf(input), () => Promise.reject(new Error('Not served.')))
  input.end(bytes)
  const reason = await ended
  if (reason !== null) expect(reason).toBeInstanceOf(ProtocolError)
}

fuzz<{ text: string; frame: Uint8Array | null; body: Uint8Array }>({
  name: 'messages',
  holds: 'a message of any form is one of ours or is named in a sentence, and can be written as JSON again',
  runs: 200,
  async open() {
    const text = fc.oneof(
      hostileJson,
      nearly({ kind: hostileJson, event: hostileJson, command: hostileJson, state: hostileJson, cells: hostileJson }),
      nearly({
        kind: fc.constant('"event"'),
        id: hostileJson,
        event: nearly({ kind: hostileJson, cells: hostileJson }),
      }),
      nearly({ method: hostileJson, params: nearly({ viewerId: hostileJson, command: hostileJson }) }),
    )
    return {
      input: fc.record({ text, frame: fc.option(brokenFrame, { nil: null }), body: fc.uint8Array({ maxLength: 9 }) }),
      run({ text: said, frame, body }) {
        const assembler = new FrameAssembler(4)
        const found = outcome(() => assembler.push(frame ?? frameOf(said, body)))
        if ('code' in found) return found.code
        const message = found.value as Frame | null // as push answers
        if (message === null) return 'begun'
        expect(JSON.stringify(message.header, finite)).toBeTypeOf('string')
        for (const schema of [pageMessageSchema, serverMessageSchema, kernelCallSchema, serverCallSchema]) {
          const parsed = v.safeParse(schema, message.header)
          if (!parsed.success) expect(typeof (messageName(message.header) + missOf(parsed.issues))).toBe('string')
        }
        const { cells } = message.header
        const head = { encoding: 'u32', count: 1, cellCount: 9, ...Object(cells) } as const
        return nameOf(outcome(() => decodeCells(head, message.body)))
      },
    }
  },
})

type TunnelCase = {
  path: string
  httpMethod: 'GET' | 'POST' | 'PUT'
  headers: Record<string, string>
  body: Uint8Array
}
fuzz<TunnelCase>({
  name: 'tunnel',
  holds: 'a request through the notebook is answered by the same gate, whatever its path, headers and body',
  runs: 200,
  async open() {
    const stage = await appStage()
    const viewer = stage.open()
    const { key } = stage.key(viewer)
    const tunnel = new Tunnel(stage.app.inner)
    const path = fc
      .tuple(
        fc.constantFrom(
          '',
          '_cellucid/',
          '/',
          '\\',
          '//',
          '.',
          '../',
          'http:',
          '_cellucid/columns/',
          '%2e',
          '?',
          '#',
          '\t',
          ':',
          '[',
          'é',
        ),
        fc.constantFrom(
          '',
          'identity',
          'columns/obs',
          'genes',
          'key',
          'channel',
          'health',
          'evil.example/',
          ':99999',
          ']',
        ),
        fc.constantFrom('', '?key=score', '?query=', '?%', '?key=\u{1f600}', '#x'),
        fc.string({ unit: 'binary', maxLength: 3 }),
      )
      .map((parts) => parts.join(''))
    const name = fc.constantFrom(
      'range',
      'content-type',
      'x-cellucid-key',
      'if-none-match',
      'Host',
      'Content-Length',
      '',
      '\n',
    )
    const value = fc.oneof(
      fc.constantFrom(key, 'bytes=0-1', 'application/json', '\r\nx: y'),
      fc.string({ unit: 'binary', maxLength: 6 }),
    )
    return {
      input: fc.record({
        path,
        httpMethod: fc.constantFrom('GET' as const, 'POST' as const, 'PUT' as const),
        headers: fc.dictionary(name, value, { maxKeys: 3, noNullPrototype: true }),
        body: fc.uint8Array({ maxLength: 20 }),
      }),
      async run({ body, ...fetched }) {
        const asked = { viewerId: viewer.id, view: 'v', ...fetched }
        const answer = await tunnel.fetch(asked, body, 8765).catch((error: unknown) => {
          expect(error).toBeInstanceOf(ProtocolError)
          return null
        })
        if (answer === null) return 'refused'
        expect(answer.status, new TextDecoder().decode(answer.body)).not.toBe(500)
        const hasKey = Object.entries(fetched.headers).some(
          ([header, said]) => header === 'x-cellucid-key' && said === key,
        )
        if (answer.status === 200 && !hasKey) expect(fetched.path).toMatch(/^(?:[?#]|$|_cellucid\/health|\.)/)
        expect(stage.log.lines.filter(({ level }) => level === 'error')).toEqual([])
        return String(answer.status)
      },
    }
  },
})
