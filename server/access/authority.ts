import { isIP } from 'node:net'

/** Who a request says it is for: `name` in lower case, brackets kept around IPv6, `port` as written or empty. */
export type Authority = { name: string; port: string }

const HOST = /^(\[[0-9a-f:.]{2,45}\]|[a-z0-9](?:[a-z0-9._-]{0,251}[a-z0-9_.])?)(?::([0-9]{1,5}))?$/i

/**
 * Parse a Host header by a strict grammar of our own: URL parsers mend what an attacker broke.
 * @returns `null` for anything else, user information and empty ports among it
 */
export function parseAuthority(text: string): Authority | null {
  const match = HOST.exec(text)
  if (match === null) return null
  const name = (match[1] ?? '').toLowerCase()
  const port = match[2] ?? ''
  if (name.startsWith('[') && isIP(name.slice(1, -1)) !== 6) return null
  return Number(port) > 65_535 ? null : { name, port }
}

/** The three names that DNS rebinding cannot forge: a browser resolves none of them by asking an attacker. */
const LOOPBACK_NAMES: ReadonlySet<string> = new Set(['127.0.0.1', 'localhost', '[::1]'])

export function isLoopback(authority: Authority): boolean {
  return LOOPBACK_NAMES.has(authority.name)
}

export function authorityText({ name, port }: Authority): string {
  return port === '' ? name : `${name}:${port}`
}

const ORIGIN =
  /^([a-z][a-z0-9+.-]{0,31}):\/\/(\[[0-9a-f:.]{2,45}\]|[a-z0-9](?:[a-z0-9._-]{0,251}[a-z0-9_])?)(?::([0-9]{1,5}))?$/

/** An origin as browsers write it, or `null`; "null" is none. No character of it can end or extend a header's value. */
export function parseOrigin(text: string): string | null {
  const match = ORIGIN.exec(text)
  return match !== null && Number(match[3] ?? 0) <= 65_535 ? text : null
}
