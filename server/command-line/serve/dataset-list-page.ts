import { hash } from 'node:crypto'
import { visible } from '../../../protocol/visible-text.ts'
import type { PlainPage } from '../../http/landing.ts'

/** One line of the list. `href` is relative to `/`. */
export type ListedDataset = { name: string; href: string; state: string }

const STYLE = `
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 46rem; margin: 0 auto; padding: 2rem 1rem; }
h1 { font-size: 1.4rem; margin: 0; }
p { margin: .5rem 0 1rem; }
ul { list-style: none; margin: 0; padding: 0; border-top: 1px solid #8884; }
li { display: flex; gap: 1rem; border-bottom: 1px solid #8884; }
a { flex: 1; padding: .7rem .25rem; overflow-wrap: anywhere; }
a:focus-visible { outline: 3px solid; outline-offset: -3px; }
span { padding: .7rem .25rem; opacity: .75; white-space: nowrap; }
[role=alert] { border-left: 4px solid #d33; padding: .25rem 0 .25rem .75rem; overflow-wrap: anywhere; }
`
const STYLE_SOURCES = `'sha256-${hash('sha256', STYLE, 'base64')}'`

/** The datasets to choose from. @param problem why the one that was chosen is not shown */
export function listPage(datasets: readonly ListedDataset[], problem: string | null): PlainPage {
  const count = datasets.length === 1 ? '1 dataset' : `${datasets.length} datasets`
  const rows = datasets.map(
    ({ name, href, state }) =>
      `<li><a href="${escaped(href)}"><bdi>${escaped(name)}</bdi></a>${state === '' ? '' : `<span>${escaped(state)}</span>`}</li>`,
  )
  const alert = problem === null ? '' : `<p role="alert">${escaped(problem)}</p>`
  const list = `<ul>${rows.join('\n')}</ul>`
  return page(
    problem === null ? 200 : 422,
    count,
    `<h1>${count}</h1><p>Choose one to see its cells.</p>${alert}${list}`,
  )
}

/** One sentence where nothing can be shown. */
export function sentencePage(status: number, sentence: string): PlainPage {
  return page(status, 'Nothing to show', `<h1>Nothing to show</h1><p role="alert">${escaped(sentence)}</p>`)
}

function page(status: number, title: string, body: string): PlainPage {
  const head =
    `<meta charset="utf-8"><meta name="viewport" content="width=device-width">` +
    `<title>${escaped(title)} · Cellucid</title><style>${STYLE}</style>`
  const html = `<!doctype html>\n<html lang="en"><head>${head}</head><body><main>${body}</main></body></html>\n`
  return { status, html, styleSources: STYLE_SOURCES }
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/** A file's name may be anything; here it is text, and nothing that turns the direction of what follows. */
function escaped(text: string): string {
  return visible(text).replace(/[&<>"']/g, (character) => ENTITIES[character] ?? '')
}
