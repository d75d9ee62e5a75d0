import type { Lesson } from '../access/proven-locations.ts'
import type { PagePolicy } from './page-file.ts'

export type HeaderSet = Readonly<Record<string, string>>

/** On every answer, whatever it is. No X-Frame-Options: `frame-ancestors` says who may embed, per viewer. */
const EVERY_ANSWER: HeaderSet = {
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'x-robots-tag': 'none',
}

/** On all but the page: bytes that no browser may run, embed from elsewhere, or keep unasked. */
export const DATA_HEADERS: HeaderSet = {
  ...EVERY_ANSWER,
  'content-security-policy': "sandbox; default-src 'none'",
  'cross-origin-resource-policy': 'same-origin',
  'cache-control': 'no-store',
}

/** Headers of the page but for its policy; see {@link pagePolicy}. */
export const PAGE_HEADERS: HeaderSet = {
  ...EVERY_ANSWER,
  'cross-origin-resource-policy': 'cross-origin',
  'cross-origin-embedder-policy': 'require-corp',
  'cross-origin-opener-policy': 'same-origin',
  'origin-agent-cluster': '?1',
  'permissions-policy':
    'camera=(), microphone=(), geolocation=(), usb=(), serial=(), hid=(), bluetooth=(), payment=(), ' +
    'display-capture=(), clipboard-read=(), fullscreen=(self), clipboard-write=(self)',
  'cache-control': 'no-store',
}

/** For a data answer with an ETag. */
export const REVALIDATE = 'private, no-cache'

/**
 * The page's Content-Security-Policy.
 * @param bases the learnt bases by which this request may have come; none: a tab on loopback
 * @param embedders origins learnt for the viewer named in the query; none: an unknown viewer
 */
export function pagePolicy(page: PagePolicy, bases: readonly string[], embedders: readonly string[]): string {
  const connections = bases.flatMap((base) => [base, base.replace(/^http/, 'ws')]).map(asSource)
  return [
    "default-src 'none'",
    `script-src ${page.scriptSources}`,
    `style-src ${page.styleSources}`,
    'img-src blob: data:',
    'worker-src blob:',
    `connect-src ${connections.length > 0 ? connections.join(' ') : "'self'"}`,
    "base-uri 'none'",
    "form-action 'none'",
    "require-trusted-types-for 'script'",
    'trusted-types cellucid',
    `frame-ancestors ${frameAncestors(embedders)}`,
  ].join('; ')
}

/** Headers of a page of text and links: nothing runs in it, and nobody embeds it. */
export function plainPageHeaders(styleSources: string): HeaderSet {
  return {
    ...PAGE_HEADERS,
    'content-type': 'text/html; charset=utf-8',
    'cross-origin-resource-policy': 'same-origin',
    'content-security-policy': `default-src 'none'; script-src 'none'; style-src ${styleSources}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
  }
}

/**
 * The policy of the hosted page and of the scripts it starts in the background: files below its own address, inline
 * script and style by the hash of what is stored. Trusted Types are left out, since nobody can know whether a page that
 * others wrote runs under them.
 * @param inline `'sha256-…'` sources
 * @param folders the page's own address, once for each base that leads here; none: a tab on loopback
 */
export function hostedPolicy(
  inline: { scripts: readonly string[]; styles: readonly string[] },
  folders: readonly string[],
  embedders: readonly string[],
): string {
  const here = folders.length > 0 ? folders.map(asSource).join(' ') : "'self'"
  const sources = (hashes: readonly string[]) => [here, ...hashes].join(' ')
  return [
    "default-src 'none'",
    `script-src ${sources(inline.scripts)} 'wasm-unsafe-eval'`,
    `style-src ${sources(inline.styles)}`,
    `img-src ${here} blob: data:`,
    `font-src ${here} data:`,
    `worker-src ${here} blob:`,
    `manifest-src ${here}`,
    `connect-src ${here}`,
    "base-uri 'none'",
    "form-action 'none'",
    `frame-ancestors ${frameAncestors(embedders)}`,
  ].join('; ')
}

/** The shell around the hosted page holds one frame, which leads to this server. */
export function shellPolicy(page: PagePolicy, bases: readonly string[], embedders: readonly string[]): string {
  const frames = bases.length > 0 ? bases.map(asSource).join(' ') : "'self'"
  return `${pagePolicy(page, bases, embedders)}; frame-src ${frames}`
}

const LOCAL_EMBEDDERS = "'self' http://localhost:* http://127.0.0.1:*"

/** Hosts whose frames stand on origins that change from one to the next: the pattern they are known to follow. */
const EMBEDDER_FAMILIES = [
  {
    isMember: (origin: string) => origin.startsWith('vscode-webview://'),
    sources: ['vscode-webview:', 'https://*.vscode-cdn.net'],
  },
  {
    isMember: (origin: string) => hasHostUnder(origin, '.vscode-cdn.net'),
    sources: ['vscode-webview:', 'https://*.vscode-cdn.net'],
  },
  {
    isMember: (origin: string) => hasHostUnder(origin, '.colab.googleusercontent.com'),
    sources: ['https://colab.research.google.com', 'https://*.colab.googleusercontent.com'],
  },
]

function frameAncestors(embedders: readonly string[]): string {
  if (embedders.length === 0) return LOCAL_EMBEDDERS
  const sources = embedders.flatMap(
    (origin) => EMBEDDER_FAMILIES.find(({ isMember }) => isMember(origin))?.sources ?? [origin],
  )
  return [...new Set(["'self'", ...sources])].join(' ')
}

function hasHostUnder(origin: string, suffix: string): boolean {
  return origin.startsWith('https://') && new URL(origin).hostname.endsWith(suffix)
}

/** A URL as a source of a policy, where these two characters would end it. */
function asSource(url: string): string {
  return url.replaceAll(';', '%3B').replaceAll(',', '%2C')
}

/** Health may be read by the widget's page, which stands on another origin: one that was learnt, exactly. */
export function corsHeaders(origin: string | undefined, lessons: readonly Lesson[]): HeaderSet {
  const isLearnt = origin !== undefined && lessons.some((lesson) => lesson.origin === origin)
  return isLearnt ? { vary: 'Origin', 'access-control-allow-origin': origin } : { vary: 'Origin' }
}
