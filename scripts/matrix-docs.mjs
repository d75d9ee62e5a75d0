import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT } from './command.mjs'

const FILES = ['README.md', 'docs/environments.md']
const BEGIN = '<!-- matrix: written by `npm run matrix` -->'
const END = '<!-- /matrix -->'

const WORDS = {
  'same-origin-proxy': "the notebook server's proxy",
  direct: 'directly',
  'cross-origin-proxy': "the host's address for the port",
  tunnel: 'through the notebook',
  override: 'the forced address',
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
export function withTable(text, table) {
  const start = text.indexOf(BEGIN)
  const end = text.indexOf(END)
  if (start === -1 || end < start) return text
  return `${text.slice(0, start + BEGIN.length)}\n${table}\n${text.slice(end)}`
}

/** Write the table into the README and the page of environments. */
export function writeMatrixDocs(rows) {
  for (const file of FILES.map((name) => join(ROOT, name)).filter(existsSync)) {
    writeFileSync(file, withTable(readFileSync(file, 'utf8'), matrixTable(rows)))
  }
}
