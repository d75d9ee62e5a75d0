import { expect, test } from 'vitest'
import {
  healthText,
  judgeHealth,
  makeNonce,
  type ProbeClaims,
  parseInstanceId,
  parseNonce,
  parsePageKey,
  parseViewerId,
  parseViewerToken,
  probeQuery,
  probeText,
  sign,
} from '../../protocol/probe.ts'
import { PROTOCOL_VERSION } from '../../protocol/version.ts'
import { readJson } from './fixtures.ts'

type Case = Record<keyof ProbeClaims | 'mac' | 'proof', string>
const golden = readJson<{ token: string; cases: Case[] }>('probe')
const token = present(parseViewerToken(golden.token))

test('a probe and its proof are signed as Python signs them', () => {
  expect(golden.cases.length).toBeGreaterThan(1)
  for (const entry of golden.cases) {
    const claims = claimsOf(entry)
    expect(sign(token, probeText(claims))).toBe(entry.mac)
    expect(sign(token, healthText(claims.viewerId, claims.nonce, claims.instanceId))).toBe(entry.proof)
    expect(probeQuery(token, claims).get('mac')).toBe(entry.mac)
  }
})

test('the proof of the published vector holds', () => {
  expect(golden.cases[0]?.proof).toBe('3U-zjcm6CF1wWwn5EIZajR9fSUMSYjeTvgH32xkvO-M')
})

test('a health answer is believed only with our protocol and a proof for this very question', () => {
  const [first, second] = golden.cases.map(claimsOf)
  const claims = present(first ?? null)
  const answer = {
    status: 'ok',
    protocol: PROTOCOL_VERSION,
    version: '1',
    proof: present(golden.cases[0] ?? null).proof,
  }
  expect(judgeHealth(answer, token, claims)).toBe('proven')
  expect(judgeHealth(answer, token, present(second ?? null))).toBe('badProof')
  expect(judgeHealth(answer, token, { ...claims, nonce: makeNonce() })).toBe('badProof')
  expect(judgeHealth({ ...answer, protocol: PROTOCOL_VERSION + 1 }, token, claims)).toBe('wrongProtocol')
  expect(judgeHealth({ ok: true }, token, claims)).toBe('badProof')
  expect(judgeHealth({ ...answer, proof: undefined }, token, claims)).toBe('badProof')
  expect(judgeHealth('<!doctype html>', token, claims)).toBe('notJson')
})

test('each part of a question is under its mac', () => {
  const claims = claimsOf(present(golden.cases[0] ?? null))
  const changed: Partial<ProbeClaims>[] = [{ base: `${claims.base}x` }, { origin: 'null' }, { ancestors: 'https://a' }]
  const macs = changed.map((change) => sign(token, probeText({ ...claims, ...change })))
  expect(new Set([sign(token, probeText(claims)), ...macs]).size).toBe(changed.length + 1)
})

test('ids and secrets of another form are refused', () => {
  for (const [parse, good] of [
    [parseViewerId, '0123456789abcdef'],
    [parseViewerToken, golden.token],
    [parsePageKey, 'A'.repeat(43)],
    [parseNonce, makeNonce()],
    [parseInstanceId, 'srv-1'],
  ] as const) {
    expect(parse(good)).toBe(good)
    for (const bad of [`${good.slice(1)}/`, `${good}\n`, `${good} `, '', null, 7]) expect(parse(bad)).toBeNull()
  }
})

function claimsOf(entry: Case): ProbeClaims {
  const { base, origin, ancestors } = entry
  const viewerId = present(parseViewerId(entry.viewerId))
  const nonce = present(parseNonce(entry.nonce))
  return { viewerId, nonce, instanceId: present(parseInstanceId(entry.instanceId)), base, origin, ancestors }
}

function present<T>(value: T | null): T {
  if (value === null) throw new Error('the golden file holds what no parser takes')
  return value
}
