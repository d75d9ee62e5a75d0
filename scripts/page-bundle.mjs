import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pageHtml } from './page-html.mjs'

/** What browsers of the last two years run; older ones lack `AbortSignal.any` and cannot be helped by a compiler. */
export const BROWSER_TARGET = 'es2022'

/**
 * How esbuild makes a bundle for a browser, whichever.
 * @satisfies {import('esbuild').BuildOptions}
 */
export const BROWSER = {
  bundle: true,
  format: 'esm',
  platform: 'browser',
  target: BROWSER_TARGET,
  minify: true,
  write: false,
  charset: 'utf8',
  legalComments: 'none',
}

/**
 * How the page's script and style are made, before {@link assemblePage} makes them one file.
 * @satisfies {import('esbuild').BuildOptions}
 */
export const PAGE = {
  ...BROWSER,
  entryPoints: ['page/main.tsx'],
  define: { 'window.__PREACT_SIGNALS_DEVTOOLS__': 'false' },
}

/** The template that holds the script and style of a page; read beside what esbuild bundles. */
export const PAGE_TEMPLATE = 'page/index.html'

/**
 * A page as it is shipped.
 * @param {string} root the repository's root
 * @param {ReadonlyMap<string, string>} texts what esbuild made, by ending: `.js` and perhaps `.css`
 * @returns {Promise<string>} one HTML file
 */
export async function assemblePage(root, texts) {
  return pageHtml(await readFile(join(root, PAGE_TEMPLATE), 'utf8'), {
    script: texts.get('.js').trimEnd(),
    style: (texts.get('.css') ?? '').trimEnd(),
  })
}

/** @returns {Map<string, string>} the texts of what esbuild made, by ending */
export function textsOf(outputFiles) {
  return new Map(outputFiles.map((output) => [/\.[^.]+$/.exec(output.path)?.[0] ?? '.js', output.text]))
}
