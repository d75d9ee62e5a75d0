import { createHash } from 'node:crypto'

/**
 * Put script and style into the page's template, so that one file is the whole page: in a `srcdoc` frame every relative
 * address leads to the notebook's own server.
 *
 * The page names the SHA-256 of both in its own policy, which therefore holds in `srcdoc` too, where no header comes
 * along. What depends on the place (`default-src`, `connect-src`, `frame-ancestors`) is for the server's header.
 * @param {string} template page/index.html with one place each for policy, style and script, the policy before the others
 * @param {{script: string, style: string}} built texts without a closing tag of their own kind
 * @returns {string} the page; its bytes are hashed as they stand, so whoever changes one breaks it
 * @throws {Error} when the template lacks a place, or a text would end its element early
 */
export function pageHtml(template, { script, style }) {
  refuseEarlyEnd(script, /<\/script|<!--|\r/i, 'script')
  refuseEarlyEnd(style, /<\/style|\r/i, 'style')
  const policy = [
    `script-src '${hashOf(script)}' 'wasm-unsafe-eval'`,
    `style-src '${hashOf(style)}'`,
    'img-src blob: data:',
    'worker-src blob:',
    "base-uri 'none'",
    "form-action 'none'",
    "require-trusted-types-for 'script'",
    'trusted-types cellucid',
  ].join('; ')
  return [
    ['<!-- policy -->', `<meta http-equiv="Content-Security-Policy" content="${policy}" />`],
    ['<!-- style -->', `<style>${style}</style>`],
    ['<!-- script -->', `<script type="module">${script}</script>`],
  ].reduce(replaceOnce, template)
}

/** @returns {string} as a policy names it: `sha256-` and base64 */
export function hashOf(text) {
  return `sha256-${createHash('sha256').update(text, 'utf8').digest('base64')}`
}

function refuseEarlyEnd(text, pattern, name) {
  const found = pattern.exec(text)
  if (found)
    throw new Error(`The page's ${name} holds ${JSON.stringify(found[0])}, which cannot stand inside its element.`)
}

/** `String.replace` would read `$&` in the inserted text, and take the first of two places without a word. */
function replaceOnce(html, [place, insert]) {
  const parts = html.split(place)
  if (parts.length !== 2) throw new Error(`page/index.html must hold ${place} exactly once; found ${parts.length - 1}.`)
  return parts.join(insert)
}
