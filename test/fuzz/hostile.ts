import fc from 'fast-check'
import { encodeFrame } from '../../protocol/frame.ts'

/** What is too much to be printed: a word stands for it until it is sent. */
const SPELLED: Readonly<Record<string, () => string>> = {
  '"@list"': () => '['.repeat(DEEP) + ']'.repeat(DEEP),
  '"@object"': () => `${'{"a":'.repeat(DEEP)}1${'}'.repeat(DEEP)}`,
  '"@deep"': () => '['.repeat(2_000) + ']'.repeat(2_000),
  '"@numbers"': () => `[${Array(200_000).fill('1e20').join(',')}]`,
  '"@text"': () => `"${'x'.repeat(1_048_400)}"`,
}
/** Deeper than any function that calls itself gets. */
const DEEP = 100_000
const spelled = (text: string) => text.replace(/"@[a-z]+"/g, (word) => SPELLED[word]?.() ?? word)
const deep = fc.constantFrom(...Object.keys(SPELLED))

/** What means something else in JavaScript than in JSON. */
const TRAPS = [
  '{"toString":1,"valueOf":1}',
  '{"__proto__":{"kind":"ack"}}',
  '{"constructor":{"prototype":1}}',
  '{"length":1e9}',
  '{"then":1}',
  '1e400',
  '-1e400',
  '-0',
  '9007199254740993',
  '1e-400',
  '"\\ud800"',
  '"\\u0000\\u202e\\r\\n"',
  `"${'x'.repeat(5_000)}"`,
  'null',
  'true',
  '[]',
  '{}',
  '""',
]
/** Text of one JSON value, most of them small. */
export const hostileJson = fc.oneof(
  { weight: 30, arbitrary: fc.constantFrom(...TRAPS) },
  { weight: 20, arbitrary: fc.json({ maxDepth: 2 }) },
  { weight: 15, arbitrary: fc.integer({ min: -2, max: 70_000 }).map(String) },
  { weight: 1, arbitrary: deep },
)

/** One JSON object whose fields are as given, but for up to two that are left out or say something else. */
export function nearly(fields: Readonly<Record<string, fc.Arbitrary<string>>>): fc.Arbitrary<string> {
  const names = Object.keys(fields)
  const change = fc.tuple(fc.constantFrom(...names, 'later'), fc.option(hostileJson, { nil: null }))
  const changes = fc.oneof(
    { weight: 2, arbitrary: fc.constant([]) },
    { weight: 3, arbitrary: fc.array(change, { maxLength: 2 }) },
  )
  return fc.tuple(fc.record(fields), changes).map(([whole, changed]) => {
    const said: Record<string, string | null> = { ...whole }
    for (const [name, value] of changed) said[name] = value
    return objectText(said)
  })
}

function objectText(fields: Readonly<Record<string, string | null>>): string {
  const said = Object.entries(fields).flatMap(([name, value]) =>
    value === null ? [] : `${JSON.stringify(name)}:${value}`,
  )
  return `{${said.join(',')}}`
}

/** A JSON text of a value. */
export function json(arbitrary: fc.Arbitrary<unknown>): fc.Arbitrary<string> {
  return arbitrary.map((value) => JSON.stringify(value) ?? 'null')
}

/** A frame with any text where its header should be. */
export function frameOf(header: string, body: Uint8Array): Uint8Array {
  const text = new TextEncoder().encode(spelled(header))
  const frame = new Uint8Array(4 + text.length + body.length)
  new DataView(frame.buffer).setUint32(0, text.length, true)
  frame.set(text, 4)
  frame.set(body, 4 + text.length)
  return frame
}

export type Change = { at: number; byte: number } | { cutAt: number } | { doubledAt: number }
/** A few changes of bytes, at fractions of their length. */
export const changes: fc.Arbitrary<Change[]> = fc.array(
  fc.oneof(
    { weight: 8, arbitrary: fc.record({ at: fraction(), byte: fc.nat(255) }) },
    { weight: 1, arbitrary: fc.record({ cutAt: fraction() }) },
    { weight: 1, arbitrary: fc.record({ doubledAt: fraction() }) },
  ),
  { minLength: 1, maxLength: 4 },
)

function fraction() {
  return fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true })
}

export function changed(whole: Uint8Array, how: readonly Change[]): Uint8Array<ArrayBuffer> {
  let bytes = Uint8Array.from(whole)
  for (const change of how) {
    if ('cutAt' in change) bytes = bytes.slice(0, Math.floor(change.cutAt * bytes.length))
    else if ('doubledAt' in change) {
      const at = Math.floor(change.doubledAt * bytes.length)
      bytes = new Uint8Array(Buffer.concat([bytes.subarray(0, at), bytes.subarray(Math.max(0, at - 16))]))
    } else bytes[Math.floor(change.at * bytes.length)] = change.byte
  }
  return bytes
}

/** Frames that are none, or whose body comes in parts that do not fit. */
export const brokenFrame: fc.Arbitrary<Uint8Array> = fc.oneof(
  fc.uint8Array({ maxLength: 40 }),
  fc.tuple(hostileJson, fc.uint8Array({ maxLength: 16 })).map(([text, body]) => frameOf(text, body)),
  fc
    .record({ stream: fc.integer({ min: -1, max: 2 }), offset: fc.integer({ min: -1, max: 8 }) })
    .map((header) => encodeFrame(header, new Uint8Array(4))),
  fc
    .record({
      kind: fc.constantFrom('cellSet', 'ask', 'state', 'x'),
      body: fc.record({ stream: fc.integer({ min: -1, max: 6 }), length: fc.constantFrom(0, 1, 8, 2 ** 20, 2 ** 40) }),
    })
    .map((header) => encodeFrame(header)),
)
