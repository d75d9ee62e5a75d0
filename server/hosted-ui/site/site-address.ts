import { lookup as resolveName } from 'node:dns'
import { BlockList, isIP, type LookupFunction } from 'node:net'
import { isLoopbackAddress } from '../../access/served-hosts.ts'

/** Where the hosted viewer comes from unless somebody says otherwise. */
export const DEFAULT_SOURCE = 'https://www.cellucid.com'

/** The address of a site that may be fetched from: no trailing slash, nothing after its path. */
export type Source = string & { readonly source: unique symbol }

/**
 * Check the address of a site. https, or http for this machine's own loopback literal; no login, query or fragment; no
 * address of a private network.
 * @throws Error that says what is wrong with it
 */
export function parseSource(text: string): Source {
  const refuse = (why: string) => {
    const asked = JSON.stringify(text.slice(0, 200))
    return new Error(`web_source_url=${asked} cannot be used: ${why}. The default is ${DEFAULT_SOURCE}.`)
  }
  if (!URL.canParse(text)) throw refuse('it is not an address')
  const url = new URL(text)
  if (url.protocol !== 'https:' && url.protocol !== 'http:') throw refuse('it must begin with https://')
  if (url.username !== '' || url.password !== '') throw refuse('it must hold no login')
  if (text.includes('?') || text.includes('#')) throw refuse('it must end with its path')
  if (!/^(?:\/[A-Za-z0-9._-]+)*\/?$/.test(url.pathname)) throw refuse('its path has characters that no site needs')
  const host = url.hostname.replace(/^\[|\]$/g, '')
  const isLiteralLoopback = isIP(host) !== 0 && isLoopbackAddress(host)
  if (url.protocol === 'http:' && !isLiteralLoopback) throw refuse('over plain http others could change it on the way')
  if (isIP(host) !== 0 && !isLiteralLoopback && !isPublicAddress(host)) throw refuse('its address is a private one')
  return `${url.origin}${url.pathname.replace(/\/$/, '')}` as Source // just checked
}

/** Reserved, private and link-local ranges, where clouds keep their secrets too (169.254.169.254). */
const NOT_PUBLIC = new BlockList()
for (const [network, prefix] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['224.0.0.0', 3],
] as const) {
  NOT_PUBLIC.addSubnet(network, prefix, 'ipv4')
}
/** Of IPv6 only what is given out to networks is public; 64:ff9b::/96 and 2002::/16 hold IPv4 addresses inside. */
const PUBLIC_6 = new BlockList()
PUBLIC_6.addSubnet('2000::', 3, 'ipv6')
const NOT_PUBLIC_6 = new BlockList()
for (const [network, prefix] of [
  ['2001::', 32],
  ['2001:db8::', 32],
  ['2002::', 16],
] as const) {
  NOT_PUBLIC_6.addSubnet(network, prefix, 'ipv6')
}

export function isPublicAddress(address: string): boolean {
  if (isIP(address) === 4) return !NOT_PUBLIC.check(address, 'ipv4')
  return isIP(address) === 6 && PUBLIC_6.check(address, 'ipv6') && !NOT_PUBLIC_6.check(address, 'ipv6')
}

/** A name of the public network whose address is none of it. */
export class PrivateAddressError extends Error {
  constructor(hostname: string) {
    super(`${hostname} leads into a private network`)
    this.name = 'PrivateAddressError'
  }
}

/** Resolves a name for one connection, which goes to the very address that was looked at. */
export const lookupPublic: LookupFunction = (hostname, options, callback) => {
  resolveName(hostname, { ...options, all: true }, (error, addresses) => {
    const hidden = addresses?.find(({ address }) => !isPublicAddress(address))
    const [first] = addresses ?? []
    if (error !== null || first === undefined) callback(error ?? new Error('no address'), [])
    else if (hidden !== undefined) callback(new PrivateAddressError(hostname), [])
    else if (options.all === true) callback(null, addresses)
    else callback(null, first.address, first.family)
  })
}
