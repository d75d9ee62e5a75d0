import { hostname, networkInterfaces } from 'node:os'
import type { ViewerId } from '../../protocol/probe.ts'
import { authorityText, parseAuthority } from './authority.ts'

/** How a server that listens for other machines too is reached, and by whom its open routes are seen. */
export type Exposure = {
  /** Exact Host headers, in lower case. */
  hosts: ReadonlySet<string>
  /** What beside the viewers themselves may be named in a query. */
  admits(id: ViewerId): boolean
}

/** Stands for those of IPv4 alone. */
const EVERY_ADDRESS_4 = '0.0.0.0'
const EVERY_ADDRESS: ReadonlySet<string> = new Set([EVERY_ADDRESS_4, '::'])
const LOOPBACK_ADDRESS = /^(localhost|127(\.\d{1,3}){3}|::1)$/

/** Only this machine itself can connect to it. */
export function isLoopbackAddress(host: string): boolean {
  return LOOPBACK_ADDRESS.test(host)
}

/**
 * The names by which browsers elsewhere reach an address to listen on: itself, or, where it stands for every address,
 * those of this machine and its host name. Never a wildcard itself, which some systems take for loopback.
 */
export function namesOf(host: string): string[] {
  if (!EVERY_ADDRESS.has(host)) return [host]
  const addresses = Object.values(networkInterfaces()).flatMap((each) => each ?? [])
  const outside = addresses.filter(({ internal, scopeid, family }) => {
    return !internal && !scopeid && (family === 'IPv4' || host !== EVERY_ADDRESS_4)
  })
  return [...new Set([hostname(), ...outside.map(({ address }) => address)])]
}

/** The Host headers of requests to these names. */
export function hostHeaders(names: readonly string[], port: number): ReadonlySet<string> {
  const authorities = names.map((name) => parseAuthority(`${bracketed(name)}:${port}`))
  return new Set(authorities.flatMap((authority) => (authority === null ? [] : [authorityText(authority)])))
}

/** An IPv6 address as URLs hold it. */
export function bracketed(name: string): string {
  return name.includes(':') ? `[${name}]` : name
}
