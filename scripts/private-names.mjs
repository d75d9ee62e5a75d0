import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

/** Words in these leave the page, into messages, stored states and reports, or belong to libraries. */
const SHARED_FILES = [
  'page/saved-state.ts',
  'page/viewer-session.ts',
  'node_modules/preact/dist/preact.mjs',
  'node_modules/preact/hooks/dist/hooks.mjs',
  'node_modules/preact/jsx-runtime/dist/jsxRuntime.mjs',
  'node_modules/@preact/signals/dist/signals.mjs',
  'node_modules/@preact/signals-core/dist/signals-core.mjs',
]

/** The browser's own interfaces, whole: the minifier's list of them has no extensions of WebGL. */
const BROWSER_INTERFACES = `node_modules/@typescript/typescript-${process.platform}-${process.arch}/lib/lib.dom.d.ts`

/**
 * Names of members that only the page's own code speaks of, so that a build may shorten them: in no message, no stored
 * state, no attribute, no text, and in no interface of the browser.
 */
export async function privateNames(root) {
  // The shell around the hosted viewer is a page of its own, and what it says this one never hears.
  const page = await texts(root, 'page', /^(?!hosted[\\/]).*\.tsx?$/)
  const taken = new Set()
  const take = (text) => {
    for (const word of text.match(/[A-Za-z_$][\w$]*/g) ?? []) taken.add(word)
  }
  for (const text of await texts(root, 'protocol', /^(?!hosted\.ts$).*\.(ts|json)$/)) take(text)
  for (const file of SHARED_FILES) take(await program(join(root, file)))
  const interfaces = await readFile(join(root, BROWSER_INTERFACES), 'utf8')
  for (const [, name] of interfaces.matchAll(/^ +(?:readonly )?(\w+)\??[(:<]/gm)) taken.add(name)
  for (const text of page) {
    // Strings, attributes of elements, and data attributes.
    for (const [found] of text.matchAll(/'[^'\n]*'|"[^"\n]*"|`[^`]*`|<[a-z][^>]*>|\bdataset\.\w+/g)) take(found)
  }
  // What is only written, as the keys of a table are, may be read by a name made at run time.
  const members = page.flatMap((text) => [...text.matchAll(/\.([A-Za-z_]\w*)/g)].map(([, name]) => name))
  for (const text of page) {
    for (const [, read] of text.matchAll(/\{ ([\w, ]+) \}(?: =|:) /g)) members.push(...read.split(', '))
  }
  return [...new Set(members)].filter((name) => !taken.has(name))
}

async function texts(root, folder, pattern) {
  const files = await readdir(join(root, folder), { recursive: true })
  return Promise.all(files.filter((file) => pattern.test(file)).map((file) => program(join(root, folder, file))))
}

/** A source without what no program reads: its comments, and where its imports come from. */
async function program(path) {
  const source = await readFile(path, 'utf8')
  return source.replace(/^\s*\/\*\*[\s\S]*?\*\/|(?<=^|\s)\/\/ .*|\bfrom '[^']*'/gm, '')
}
