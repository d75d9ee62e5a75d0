import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { expect, test } from 'vitest'

const STATIC = resolve(import.meta.dirname, '../../python/cellucid_notebook/_static')
const PARTS = readdirSync(STATIC).filter((name) => /^server(-\w+)?\.mjs$/.test(name))
const textOf = (name: string) => readFileSync(join(STATIC, name), 'utf8')

/** A part and all that it imports before its own first line. */
function readAtOnce(name: string, known = new Set<string>()): Set<string> {
  if (known.has(name)) return known
  known.add(name)
  for (const [, part = ''] of textOf(name).matchAll(/^(?:import|export)\b[^;]*?"\.\/(server-\w+\.mjs)";$/gm)) {
    readAtOnce(part, known)
  }
  return known
}

test('a server that starts reads no reader of files, no client of the web and no command', () => {
  const running = PARTS.filter((name) => /^async function runServer\(/m.test(textOf(name)))
  expect(running).toHaveLength(1)
  const texts = [...readAtOnce(running[0] ?? '')].map(textOf)
  for (const late of ['h5wasm', 'numcodecs', 'zarrita', 'undici']) {
    const found = texts.filter((text) => text.includes(`\n// node_modules/${late}/`))
    expect(found, late).toHaveLength(0)
  }
})

test('no part imports node:http as a module, which would read all of its exports, a WebSocket among them', () => {
  for (const name of PARTS) expect(textOf(name)).not.toMatch(/^import\b.*"node:https?";$/m)
})
