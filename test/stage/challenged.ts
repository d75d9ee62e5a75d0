import { once } from 'node:events'
import { WebSocket } from 'ws'
import type { Challenge } from '../../protocol/channel.ts'
import { decodeFrame } from '../../protocol/frame.ts'
import { type HandshakeFacts, handshakeKey, nameOf, pageProof, serverProof } from '../../protocol/handshake.ts'
import { makeNonce, type Nonce, type ViewerId } from '../../protocol/probe.ts'
import { ROUTES } from '../../protocol/urls.ts'

export type ChallengeAsk = {
  base: string
  viewerId: ViewerId
  /** A token, or a page's key. */
  secret: string
  frame?: Nonce
}

/** A socket on which the server has spoken; nothing was said to it yet. */
export type Challenged = {
  socket: WebSocket
  key: Uint8Array
  /** Nothing but what was sent and heard. */
  facts: HandshakeFacts
  /** The server's proof holds. */
  isProven: boolean
  /** What a page answers. */
  proof: string
}

/** @throws Error when the server's first word is no challenge */
export async function challenged({ base, viewerId, secret, frame }: ChallengeAsk): Promise<Challenged> {
  const key = handshakeKey(secret)
  const pageNonce = makeNonce()
  const query = new URLSearchParams({ viewerId, by: nameOf(key), nonce: pageNonce, ...(frame && { frame }) })
  const socket = new WebSocket(`${base.replace(/^http/, 'ws')}${ROUTES.channel}?${query}`)
  const [word] = (await once(socket, 'message')) as [Buffer] // the arguments of 'message'
  const { header } = decodeFrame(Uint8Array.from(word))
  if (header.kind !== 'challenge') throw new Error(JSON.stringify(header))
  const { instanceId, nonce: serverNonce, proof } = header as Challenge // by its kind
  const facts = { viewerId, instanceId, pageNonce, serverNonce } as HandshakeFacts // as sent and heard
  return { socket, key, facts, isProven: proof === serverProof(key, facts), proof: pageProof(key, facts) }
}
