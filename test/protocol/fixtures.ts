import { readFileSync } from 'node:fs'

const FOLDER = new URL('../../protocol/fixtures/', import.meta.url)

/** A golden file that Python wrote; its shape is what scripts/fixtures.py says. */
export function readJson<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(`${name}.json`, FOLDER), 'utf8')) as T // the file is ours
}

export function readBytes(name: string): Uint8Array {
  return new Uint8Array(readFileSync(new URL(`${name}.bin`, FOLDER)))
}

export function fromHex(text: string): Uint8Array {
  return Uint8Array.from(text.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16))
}

/** The same bytes behind an odd offset, as a view into a larger message has them. */
export function misaligned(bytes: Uint8Array): Uint8Array {
  const larger = new Uint8Array(bytes.length + 3)
  larger.set(bytes, 3)
  return larger.subarray(3)
}
