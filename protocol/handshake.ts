import { sha256 } from '@noble/hashes/sha2.js'
import { type InstanceId, mac, type Nonce, type PageKey, sign, type ViewerId, type ViewerToken } from './probe.ts'

/**
 * How a page and its server prove themselves to each other on a new WebSocket, before either says anything. Both know one
 * secret: the token of a link or a frame, or the page's key. No secret travels, the server speaks first, and no text that
 * one end signs is one that the other end would take.
 *
 * The page asks with the public name of the secret and a nonce in the query; the server answers with `challenge`, its own
 * nonce and its mac; the page answers with `hello` and its mac. Out of a token both then derive the page's key, by which
 * the page proves itself when it comes back.
 */
export type HandshakeFacts = {
  viewerId: ViewerId
  instanceId: InstanceId
  pageNonce: Nonce
  serverNonce: Nonce
}

/** SHA-256 of a secret, 32 bytes: what a server keeps of it, and the key of every mac of the handshake. */
export function handshakeKey(secret: string): Uint8Array {
  return sha256(new TextEncoder().encode(secret))
}

/** By what a secret is named in the open, 43 base64url characters; it says nothing of the secret. */
export function nameOf(key: Uint8Array): string {
  return mac(key, 'cellucid-name/1')
}

export function serverProof(key: Uint8Array, facts: HandshakeFacts): string {
  return mac(key, textOf('cellucid-server/1', facts))
}

export function pageProof(key: Uint8Array, facts: HandshakeFacts): string {
  return mac(key, textOf('cellucid-page/1', facts))
}

/** The key of the page that this handshake let in. */
export function derivedKey(key: Uint8Array, facts: HandshakeFacts): PageKey {
  return mac(key, textOf('cellucid-key/1', facts)) as PageKey // 32 bytes are 43 characters
}

/** The token in the links of a viewer: good for one server process, and none that comes after it. */
export function linkToken(token: ViewerToken, viewerId: ViewerId, instanceId: InstanceId): ViewerToken {
  return hexOf(sign(token, ['cellucid-link/1', viewerId, instanceId].join('\n')))
}

/** The token in the address of one frame: good once, at one server process. */
export function frameToken(token: ViewerToken, { viewerId, instanceId, nonce }: FrameFacts): ViewerToken {
  return hexOf(sign(token, ['cellucid-frame/1', viewerId, instanceId, nonce].join('\n')))
}

export type FrameFacts = { viewerId: ViewerId; instanceId: InstanceId; nonce: Nonce }

const PUBLIC_NAME = /^[A-Za-z0-9_-]{43}$/

/** @returns `null` when it is no name of a secret */
export function parseSecretName(value: unknown): string | null {
  return typeof value === 'string' && PUBLIC_NAME.test(value) ? value : null
}

function textOf(purpose: string, { viewerId, instanceId, pageNonce, serverNonce }: HandshakeFacts): string {
  return [purpose, viewerId, instanceId, pageNonce, serverNonce].join('\n')
}

/** 43 base64url characters as 64 lower-case hex ones, the form of every token. */
function hexOf(base64url: string): ViewerToken {
  const bytes = atob(base64url.replaceAll('-', '+').replaceAll('_', '/'))
  const hex = Array.from(bytes, (byte) => byte.charCodeAt(0).toString(16).padStart(2, '0'))
  return hex.join('') as ViewerToken // 32 bytes are 64 characters
}
