import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT } from './command.mjs'

const FILES = ['README.md', 'docs/environments.md']

/** Where tables stand: of the places where notebooks are seen, and of the proxies that misbehave on the way there. */
const PLACES = { begin: '<!-- matrix: written by `npm run matrix` -->', end: '<!-- /matrix -->' }
const PROXIES = { begin: '<!-- matrix of proxies: written by `npm run matrix` -->', end: '<!-- /matrix of proxies -->' }

const WORDS = {
  'server-extension': 'cellucid-notebook in the notebook server',
  'same-origin-proxy': "the notebook server's proxy",
  direct: 'directly',
  'cross-origin-proxy': "the host's address for the port",
  tunnel: 'through the notebook',
  override: 'the forced address',
  picture: 'the saved picture',
}

const HEAD = ['| Where | | The page reaches its data | First picture | |', '|---|---|---|---|---|']

/** One row in Markdown. */
export function rowLine({ title, real, expectedTransport, transport, ok, firstPictureMs }) {
  const how = WORDS[transport ?? expectedTransport]
  const seconds = firstPictureMs === null ? '' : `${(firstPictureMs / 1000).toFixed(1)} s`
  return `| ${title} | ${real ? 'real' : 'stand-in'} | ${how} | ${seconds} | ${ok ? 'works' : 'fails'} |`
}

/**
 * The text with what came of each environment between its marks; unchanged where it has none. An environment that was
 * not played keeps the row that it has.
 * @param environments what belongs into this table, in its order
 * @param rows of those that were played
 */
export function withRows(text, environments, rows, { begin, end } = PLACES) {
  const start = text.indexOf(begin)
  const stop = text.indexOf(end)
  if (start === -1 || stop < start) return text
  const standing = text.slice(start + begin.length, stop).split('\n')
  const lines = environments.flatMap(({ name, title }) => {
    const row = rows.find(({ environment }) => environment === name)
    return row ? rowLine(row) : standing.filter((line) => line.startsWith(`| ${title} |`))
  })
  return `${text.slice(0, start + begin.length)}\n${[...HEAD, ...lines].join('\n')}\n${text.slice(stop)}`
}

/** Write the tables into the README and the page of environments. */
export function writeMatrixDocs(environments, rows) {
  const places = environments.filter(({ isFaulty }) => !isFaulty)
  const proxies = environments.filter(({ isFaulty }) => isFaulty)
  for (const file of FILES.map((name) => join(ROOT, name)).filter(existsSync)) {
    const text = readFileSync(file, 'utf8')
    writeFileSync(file, withRows(withRows(text, places, rows), proxies, rows, PROXIES))
  }
}
