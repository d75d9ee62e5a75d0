import { DataError } from '../../../data/data-source.ts'
import { quoted } from '../../../data/near-names.ts'
import { type ByteRange, checkedSize, MAX_VALUE_BYTES, type ZarrStore } from '../../../data/zarr/zarr-store.ts'
import { messageOf } from '../../../protocol/errors.ts'

/** Until the first byte of an answer, and between two pieces of it. */
const PATIENCE_MS = 8_000
/** What object stores say of a key that is not there; those that keep their lists private say 403. */
const MISSING = [404, 403, 410]

/**
 * A zarr store behind a URL that a person gave. The server fetches, not the page, so that no other site has to allow it.
 * Refused: schemes other than http and https, names and passwords in the URL, every redirect (the person passes the
 * new URL), values over 80 MiB, and answers that pause for 8 s. Nothing but keys of the store is asked for, and no
 * cookie or key of ours is sent.
 */
export class HttpStore implements ZarrStore {
  readonly #base: URL
  readonly #tick: () => void

  /** @param tick called for each piece that arrives */
  constructor(url: string, tick: () => void) {
    this.#base = parseStoreUrl(url)
    this.#tick = tick
  }

  async get(key: string, range?: ByteRange): Promise<Uint8Array<ArrayBuffer> | null> {
    if (range !== undefined) checkedSize(key, { length: 'length' in range ? range.length : range.suffixLength })
    const headers = range === undefined ? {} : { range: rangeText(range) }
    const { response, rest } = await ask(keyUrl(this.#base, key), { headers })
    if (MISSING.includes(response.status)) {
      await response.body?.cancel()
      return null
    }
    checkStatus(response, key)
    const bytes = await this.#read(response, key, rest)
    // Some servers know no ranges and send all of it.
    return range === undefined || response.status === 206 ? bytes : cut(bytes, range, key)
  }

  /** A web server keeps no list: names come from consolidated metadata. */
  async names(_key: string): Promise<null> {
    return null
  }

  async #read(response: Response, key: string, rest: () => void): Promise<Uint8Array<ArrayBuffer>> {
    checkedSize(key, { length: Number(response.headers.get('content-length') ?? 0) })
    const pieces: Uint8Array[] = []
    let length = 0
    try {
      for await (const piece of response.body ?? []) {
        this.#tick()
        rest()
        pieces.push(piece)
        length += piece.length
        if (length > MAX_VALUE_BYTES) break
      }
    } catch (cause) {
      throw unreachable(this.#base, cause)
    }
    checkedSize(key, { length })
    const bytes = new Uint8Array(length)
    let at = 0
    for (const piece of pieces) {
      bytes.set(piece, at)
      at += piece.length
    }
    return bytes
  }
}

/** @throws DataError `unsupported` with what is wrong with it */
export function parseStoreUrl(text: string): URL {
  const url = URL.parse(text)
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    throw new DataError('unsupported', 'A store is opened by http:// or https:// URLs only.')
  }
  if (url.username !== '' || url.password !== '' || url.hash !== '') {
    throw new DataError('unsupported', 'The URL of a store may hold no user name, no password and no #.')
  }
  return url
}

/** What a store's metadata is as of now: another text when it was written again. @throws DataError */
export async function urlVersion(text: string, documents: readonly string[]): Promise<string> {
  const base = parseStoreUrl(text)
  for (const name of documents) {
    const { response } = await ask(keyUrl(base, name), { method: 'HEAD' })
    if (MISSING.includes(response.status)) continue
    checkStatus(response, name)
    return ['etag', 'last-modified', 'content-length'].map((header) => response.headers.get(header) ?? '').join(' ')
  }
  throw new DataError('not_found', `${nameOf(base)} is no zarr store: it has none of ${documents.join(', ')}.`)
}

function keyUrl(base: URL, key: string): URL {
  const url = new URL(base)
  const path = key.split('/').map(encodeURIComponent).join('/')
  url.pathname = `${url.pathname.replace(/\/$/, '')}/${path}`
  return url
}

/** @returns `rest`: the answer goes on, so that patience begins anew */
async function ask(url: URL, options: RequestInit): Promise<{ response: Response; rest: () => void }> {
  const stop = new AbortController()
  const timer = setTimeout(() => stop.abort(new Error(`no answer for ${PATIENCE_MS / 1000} s`)), PATIENCE_MS)
  timer.unref()
  try {
    const response = await fetch(url, { ...options, redirect: 'manual', signal: stop.signal })
    return { response, rest: () => timer.refresh() }
  } catch (cause) {
    throw unreachable(url, cause)
  }
}

function checkStatus({ status, headers }: Response, key: string): void {
  if (status === 200 || status === 206) return
  if (status >= 300 && status < 400) {
    const target = URL.parse(headers.get('location') ?? '')?.origin ?? 'another place'
    throw new DataError('unsupported', `The store was moved to ${target}. Pass the URL that it has there.`)
  }
  throw new DataError('malformed', `The server of the store answered ${status} for ${quoted(key)}.`)
}

function rangeText(range: ByteRange): string {
  if ('suffixLength' in range) return `bytes=-${range.suffixLength}`
  return `bytes=${range.offset}-${range.offset + range.length - 1}`
}

function cut(bytes: Uint8Array<ArrayBuffer>, range: ByteRange, key: string): Uint8Array<ArrayBuffer> {
  const start = 'suffixLength' in range ? bytes.length - range.suffixLength : range.offset
  const end = 'suffixLength' in range ? bytes.length : range.offset + range.length
  if (start < 0 || end > bytes.length) throw new DataError('malformed', `${quoted(key)} is shorter than it should be.`)
  return bytes.slice(start, end)
}

function unreachable(url: URL, cause: unknown): DataError {
  const inner = cause instanceof Error && cause.cause instanceof Error ? cause.cause : cause
  const reason = messageOf(inner)
  return new DataError('not_found', `The store at ${nameOf(url)} cannot be reached (${reason}). Check the URL.`, {
    cause,
  })
}

/** Without its query, which may hold a secret. */
function nameOf(url: URL): string {
  return quoted(`${url.origin}${url.pathname}`)
}
