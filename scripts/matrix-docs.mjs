import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT } from './command.mjs'

const FILES = ['README.md', 'docs/environments.md']

/** Where tables stand: of the places where notebooks are seen, and of the proxies that misbehave on the way there. */
const PLACES = { begin: '<!-- matrix: written by `npm run matrix` -->', end: '<!-- /matrix -->' }
const PROXIES = { begin: '<!-- matrix of proxies: written by `npm run matrix` -->', end: '<!-- /matrix of proxies -->' }

const WORDS = {
  'same-origin-proxy': "the notebook server's proxy",
  direct: 'directly',
  'cross-origin-proxy': "the host's address for the port",
  tunnel: 'through the notebook',
  override: 'the forced address',
  picture: 'the saved picture',
}

/** The table in Markdown. */
export function matrixTable(rows) {
  const lines = rows.map(({ title, real, expectedTransport, transport, ok, firstPictureMs }) => {
    const how = WORDS[transport ?? expectedTransport]
    const seconds = firstPictureMs === null ? '' : `${(firstPictureMs / 1000).toFixed(1)} s`
    return `| ${title} | ${real ? 'real' : 'stand-in'} | ${how} | ${seconds} | ${ok ? 'works' : 'fails'} |`
  })
  const head = ['| Where | | The page reaches its data | First picture | |', '|---|---|---|---|---|']
  return [...head, ...lines].join('\n')
}

/** The text with the table between its marks; unchanged where it has none. */
export function withTable(text, table, { begin, end } = PLACES) {
  const start = text.indexOf(begin)
  const stop = text.indexOf(end)
  if (start === -1 || stop < start) return text
  return `${text.slice(0, start + begin.length)}\n${table}\n${text.slice(stop)}`
}

/** Write the tables into the README and the page of environments. */
export function writeMatrixDocs(rows) {
  const places = matrixTable(rows.filter(({ faulty }) => !faulty))
  const proxies = matrixTable(rows.filter(({ faulty }) => faulty))
  for (const file of FILES.map((name) => join(ROOT, name)).filter(existsSync)) {
    const text = readFileSync(file, 'utf8')
    writeFileSync(file, withTable(withTable(text, places), proxies, PROXIES))
  }
}
