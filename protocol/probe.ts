import { hmac } from '@noble/hashes/hmac.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { PROTOCOL_VERSION } from './version.ts'

declare const brand: unique symbol
type Branded<Name extends string> = string & { readonly [brand]: Name }

/** 16 lower-case hex characters; public, names a viewer. */
export type ViewerId = Branded<'ViewerId'>
/** 64 lower-case hex characters; the secret of one viewer. */
export type ViewerToken = Branded<'ViewerToken'>
/** 16 lower-case hex characters, new at each server start; public. */
export type InstanceId = Branded<'InstanceId'>
/** 43 base64url characters (32 bytes) that the server gives to one page in exchange for the token. */
export type PageKey = Branded<'PageKey'>
/** 22 base64url characters (16 bytes), used once. */
export type Nonce = Branded<'Nonce'>

function parser<Name extends string>(pattern: RegExp): (value: unknown) => Branded<Name> | null {
  // The cast is what the pattern just established.
  return (value) => (typeof value === 'string' && pattern.test(value) ? (value as Branded<Name>) : null)
}

export const parseViewerId = parser<'ViewerId'>(/^[0-9a-f]{16}$/)
export const parseViewerToken = parser<'ViewerToken'>(/^[0-9a-f]{64}$/)
// Real ids are 16 hex; the golden vector's `srv-1` shows that nothing else depends on it.
export const parseInstanceId = parser<'InstanceId'>(/^[A-Za-z0-9-]{1,64}$/)
export const parsePageKey = parser<'PageKey'>(/^[A-Za-z0-9_-]{43}$/)
export const parseNonce = parser<'Nonce'>(/^[A-Za-z0-9_-]{22}$/)

/** What a signed probe says: who asks for whom, and where the asker stands. */
export type ProbeClaims = {
  viewerId: ViewerId
  nonce: Nonce
  instanceId: InstanceId
  /** The base as the browser sees it, with a trailing slash. */
  base: string
  /** Origin of the page that holds the widget. */
  origin: string
  /** Its ancestor origins, space separated, may be empty. */
  ancestors: string
}

/** The text under the question's mac. */
export function probeText(claims: ProbeClaims): string {
  const { viewerId, nonce, instanceId, base, origin, ancestors } = claims
  return ['cellucid-probe/1', viewerId, nonce, instanceId, base, origin, ancestors].join('\n')
}

/** The text under the answer's proof. */
export function healthText(viewerId: ViewerId, nonce: Nonce, instanceId: InstanceId): string {
  return ['cellucid-health/1', viewerId, nonce, instanceId].join('\n')
}

/**
 * HMAC-SHA256 as 43 base64url characters; the key is the token's 64 ASCII characters.
 * Not `crypto.subtle`: it is missing on plain-http pages that are not localhost.
 */
export function sign(token: ViewerToken, text: string): string {
  return mac(new TextEncoder().encode(token), text)
}

/** HMAC-SHA256 as 43 base64url characters. */
export function mac(key: Uint8Array, text: string): string {
  return toBase64Url(hmac(sha256, key, new TextEncoder().encode(text)))
}

/** A fresh nonce. `getRandomValues` exists on insecure pages too, `randomUUID` does not. */
export function makeNonce(): Nonce {
  return toBase64Url(crypto.getRandomValues(new Uint8Array(16))) as Nonce // 16 bytes are 22 characters
}

/** Compare without an early exit, so that the time taken tells nothing about where two texts differ. */
export function equalInConstantTime(a: string, b: string): boolean {
  if (a.length !== b.length) return false
  let difference = 0
  for (let i = 0; i < a.length; i++) difference |= a.charCodeAt(i) ^ b.charCodeAt(i)
  return difference === 0
}

/** The query of `GET _cellucid/health` (and of `GET /` where the page itself must ask). */
export function probeQuery(token: ViewerToken, claims: ProbeClaims): URLSearchParams {
  const { viewerId, nonce, base, origin, ancestors } = claims
  return new URLSearchParams({ viewerId, nonce, base, origin, ancestors, mac: sign(token, probeText(claims)) })
}

/** The health answer to a signed probe. Without a valid one `proof` and `instanceId` are absent. */
export type HealthAnswer = {
  status: 'ok'
  protocol: number
  version: string
  instanceId?: InstanceId
  proof?: string
}

export type HealthVerdict = 'proven' | 'notJson' | 'wrongProtocol' | 'badProof'

/**
 * Judge a health answer of any server.
 * @param body the parsed JSON, of unknown shape
 * @param claims what was asked; `nonce` must be fresh
 */
export function judgeHealth(body: unknown, token: ViewerToken, claims: ProbeClaims): HealthVerdict {
  if (typeof body !== 'object' || body === null) return 'notJson'
  const { status, protocol, proof } = body as Record<string, unknown> // an object was just checked
  if (status !== 'ok' || typeof protocol !== 'number') return 'badProof'
  if (protocol !== PROTOCOL_VERSION) return 'wrongProtocol'
  const expected = sign(token, healthText(claims.viewerId, claims.nonce, claims.instanceId))
  return typeof proof === 'string' && equalInConstantTime(proof, expected) ? 'proven' : 'badProof'
}

function toBase64Url(bytes: Uint8Array): string {
  let binary = ''
  for (const byte of bytes) binary += String.fromCharCode(byte)
  return btoa(binary).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '')
}
