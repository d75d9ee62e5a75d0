import { INDEX, isHostedPath } from './site-paths.ts'

const BUILD_STAMP = 'cellucid-web-build-id'
const MAX_BUILD = 200

/** The build's own name in the page's head: `<meta name="cellucid-web-build-id" content="…">`. */
export function buildOf(html: string): string | null {
  for (const [tag] of html.matchAll(/<meta\b[^>]{0,1000}>/gi)) {
    if (attribute(tag, 'name') === BUILD_STAMP) return attribute(tag, 'content')?.slice(0, MAX_BUILD) || null
  }
  return null
}

/** What the page cannot do without: its scripts and styles. */
export function essentialReferences(html: string): Set<string> {
  const found = new Set<string>()
  for (const [tag] of html.matchAll(/<(?:script|link)\b[^>]{0,2000}>/gi)) {
    const isScript = /^<script/i.test(tag)
    const relation = attribute(tag, 'rel')?.toLowerCase() ?? ''
    if (!isScript && relation !== 'stylesheet' && relation !== 'modulepreload') continue
    const path = resolvePath(attribute(tag, isScript ? 'src' : 'href'), INDEX)
    if (path !== null) found.add(path)
  }
  return found
}

/**
 * The files that a file speaks of. In scripts any text that looks like the path of a file may be one or not; who
 * fetches it finds out.
 */
export function referencesOf(path: string, text: string): Set<string> {
  const found = new Set<string>()
  for (const raw of candidates(path, text)) {
    const resolved = resolvePath(raw, path)
    if (resolved !== null) found.add(resolved)
  }
  return found
}

function candidates(path: string, text: string): string[] {
  const matches = (pattern: RegExp) => [...text.matchAll(pattern)].map((match) => match[1] ?? '')
  if (path.endsWith('.html')) return matches(/\s(?:src|href)\s*=\s*["']?([^"'\s>]+)/gi)
  if (path.endsWith('.css')) return [...matches(/url\(\s*["']?([^"')]+)/gi), ...matches(/@import\s+["']([^"']+)/gi)]
  if (/\.m?js$/.test(path)) {
    const relative = /["'`]((?:\.{0,2}\/|assets\/)[A-Za-z0-9._/-]{1,512}\.[a-z0-9]{2,11})(?:\?[^"'`]*)?["'`]/g
    return [...matches(relative), ...matches(/new\s+URL\(\s*["'`]([^"'`]{1,512})["'`]\s*,\s*import\.meta\.url/g)]
  }
  if (/\.(?:json|webmanifest)$/.test(path)) return matches(/"src"\s*:\s*"([^"]+)"/g)
  return []
}

/** Relative to the file that says so; `assets/…` is also written for the site's own folder, whoever says it. */
function resolvePath(raw: string | null, from: string): string | null {
  if (raw === null || /^(?:[a-z][a-z0-9+.-]*:|\/\/)/i.test(raw)) return null
  const bare = raw.replace(/[?#].*$/s, '')
  const start = bare.startsWith('assets/') ? '' : from
  const base = `http://site.invalid/${start}`
  if (!URL.canParse(bare, base)) return null
  const path = new URL(bare, base).pathname.slice(1)
  return isHostedPath(path) ? path : null
}

function attribute(tag: string, name: string): string | null {
  const found = new RegExp(`\\s${name}\\s*=\\s*(?:"([^"]*)"|'([^']*)'|([^\\s>]+))`, 'i').exec(tag)
  return found?.[1] ?? found?.[2] ?? found?.[3] ?? null
}
