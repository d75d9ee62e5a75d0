import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { readBody } from '../../../page/connection/read-body.ts'
import type { Answer, Call, Transport } from '../../../page/connection/transport.ts'
import { bytes, refused } from '../memory-server.ts'

const BODY = Uint8Array.from({ length: 1_000 }, (_, i) => i % 251)

/** A transport of small parts before a server that answers Range, or what the test makes of it. */
function transport(answer: (call: Call) => Answer, partBytes: number | null = 300): Transport & { calls: Call[] } {
  const calls: Call[] = []
  return {
    kind: 'tunnel',
    partBytes,
    parallelParts: 3,
    wantsGzip: false,
    calls,
    call: async (call) => {
      calls.push(call)
      return answer(call)
    },
  }
}

function part({ headers }: Call, body = BODY): Answer {
  const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(headers.range ?? '') ?? []
  const start = Number(first)
  const slice = body.subarray(start, Number(last) + 1)
  const range = `bytes ${start}-${start + slice.length - 1}/${body.length}`
  return bytes(slice, { 'content-range': range, etag: '"v1"' }, 206)
}

const read = (from: Transport) => readBody(from, 'x', new AbortController().signal)

describe('a body', () => {
  test('is put together from parts of the very same version', async () => {
    const from = transport(part)
    expect(await read(from)).toEqual(BODY)
    expect(from.calls.map(({ headers }) => headers.range)).toEqual([
      'bytes=0-299',
      'bytes=300-599',
      'bytes=600-899',
      'bytes=900-999',
    ])
    expect(from.calls.slice(1).every(({ headers }) => headers['if-range'] === '"v1"')).toBe(true)
  })

  test('is asked for whole where the server is near', async () => {
    const from = transport(() => bytes(BODY), null)
    expect(await read(from)).toEqual(BODY)
    expect(from.calls[0]?.headers.range).toBeUndefined()
  })

  test('is the new one, whole, when it changed between two parts', async () => {
    const changed = BODY.map((value) => value + 1)
    const from = transport((call) => (call.headers.range === 'bytes=0-299' ? part(call) : bytes(changed)))
    expect(await read(from)).toEqual(changed)
  })

  test('is never read from a 206 that is another part than asked for', async () => {
    const from = transport((call) => {
      if (call.headers.range === 'bytes=0-299') return part(call)
      return bytes(BODY.subarray(0, 300), { 'content-range': 'bytes 0-299/1000' }, 206)
    })
    await expect(read(from)).rejects.toThrow('A proxy cut the data')
  })

  test('is never read from a part that is shorter than asked for: what is missing would be zeros', async () => {
    const from = transport((call) => {
      const answer = part(call)
      if (call.headers.range !== 'bytes=300-599') return answer
      return bytes(BODY.subarray(300, 500), { 'content-range': 'bytes 300-499/1000', etag: '"v1"' }, 206)
    })
    await expect(read(from)).rejects.toThrow('A proxy cut the data')
  })

  test.each([0, 1, 299, 300, 301, 599, 600, 601, 899, 900, 901])(
    'of %i bytes comes whole by parts of 300',
    async (length) => {
      const body = BODY.subarray(0, length)
      const from = transport((call) => (length === 0 ? bytes(body) : part(call, body)))
      expect(await read(from)).toEqual(body)
      expect(from.calls).toHaveLength(Math.max(1, Math.ceil(length / 300)))
    },
  )

  test('is unpacked where it came compressed', async () => {
    const packed = new Uint8Array(gzipSync(BODY))
    expect(await read(transport((call) => part(call, packed)))).toEqual(BODY)
  })

  test('that is refused gives the server’s own sentence', async () => {
    const from = transport(() => refused('unknown_column', 'No gene "CD3X"; nearest: CD3D'))
    await expect(read(from)).rejects.toMatchObject({
      kind: 'refused',
      code: 'unknown_column',
      message: 'No gene "CD3X"; nearest: CD3D',
    })
  })

  test.each([
    ['a dead key', () => refused('bad_key', 'x'), 'keyDied'],
    ['a redirect to a login', () => bytes(new Uint8Array(), {}, 0), 'login'],
    ['a login page in the way', () => bytes(new TextEncoder().encode('<html>'), {}, 403), 'login'],
    ['a proxy without a server behind it', () => bytes(new TextEncoder().encode('<html>'), {}, 599), 'gone'],
  ])('behind %s says so', async (_what, answer, kind) => {
    await expect(read(transport(answer))).rejects.toMatchObject({ kind })
  })
})
