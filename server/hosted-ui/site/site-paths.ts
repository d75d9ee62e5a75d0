/** What the hosted viewer may be made of, by the end of a file's name: the types its site may say, ours the first. */
const TYPES: Readonly<Record<string, readonly string[]>> = {
  html: ['text/html'],
  js: ['text/javascript', 'application/javascript', 'application/x-javascript'],
  mjs: ['text/javascript', 'application/javascript', 'application/x-javascript'],
  css: ['text/css'],
  wasm: ['application/wasm', 'application/octet-stream'],
  json: ['application/json'],
  webmanifest: ['application/manifest+json', 'application/json', 'application/octet-stream'],
  map: ['application/json', 'application/octet-stream', 'text/plain'],
  png: ['image/png'],
  svg: ['image/svg+xml'],
  ico: ['image/x-icon', 'image/vnd.microsoft.icon'],
  woff2: ['font/woff2', 'application/font-woff2', 'application/octet-stream'],
  txt: ['text/plain'],
}

export const INDEX = 'index.html'
const ICON = /^(?:favicon|apple-touch-icon|android-chrome|icon)[A-Za-z0-9._-]*\.(?:ico|png|svg)$/
const MANIFESTS = ['site.webmanifest', 'manifest.webmanifest', 'manifest.json']
const ASSET = /^assets(?:\/[A-Za-z0-9_-][A-Za-z0-9._-]*)+$/
const MAX_PATH = 512

/** One of the closed list of paths that are served and fetched, relative to the site. Nothing fetched widens it. */
export function isHostedPath(path: string): boolean {
  if (path.length > MAX_PATH || typesOf(path) === null) return false
  return path === INDEX || MANIFESTS.includes(path) || ICON.test(path) || ASSET.test(path)
}

function typesOf(path: string): readonly string[] | null {
  const ending = /\.([a-z0-9]+)$/.exec(path)?.[1] ?? ''
  return Object.hasOwn(TYPES, ending) ? (TYPES[ending] ?? null) : null
}

/** The type to serve a file with; `null` where the site said another than such a file has. */
export function hostedType(path: string, said: string | undefined): string | null {
  const types = typesOf(path)
  const [type = ''] = (said ?? '').toLowerCase().split(';')
  return types?.includes(type.trim()) ? (types[0] ?? null) : null
}
