import { resolve } from 'node:path'
import { build } from 'esbuild'
import { expect, test } from 'vitest'
import { BROWSER, PAGE, textsOf } from '../../scripts/page-bundle.mjs'

const ROOT = resolve(import.meta.dirname, '../..')
/** Each way for a page to say something to a server. */
const WAYS = [
  /(?<![.\w$])fetch\(/g,
  /new WebSocket\b/g,
  /\bXMLHttpRequest\b/g,
  /\bEventSource\b/g,
  /\bsendBeacon\b/g,
  /\bWebTransport\b/g,
  /\bkeepalive\b/g,
]

async function bundled(entry: object): Promise<string> {
  const { outputFiles } = await build({ ...entry, absWorkingDir: ROOT, outdir: 'unused', write: false, bundle: true })
  const script = textsOf(outputFiles).get('.js')
  if (script === undefined) throw new Error('no script')
  return script
}

test.each([
  ['page', PAGE],
  ['shell around the hosted page', { ...BROWSER, entryPoints: ['page/hosted/main.ts'] }],
])('the %s speaks to servers by one socket and one fetch, both behind the proof', async (_, options) => {
  const script = await bundled(options)
  expect(WAYS.map((way) => [way.source, script.match(way)?.length ?? 0])).toEqual([
    [WAYS[0]?.source, 1],
    [WAYS[1]?.source, 1],
    ...WAYS.slice(2).map(({ source }) => [source, 0]),
  ])
})
