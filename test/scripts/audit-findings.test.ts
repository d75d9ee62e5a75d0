import { expect, test } from 'vitest'
import { npmFindings, pipFindings, reasonedIn } from '../../scripts/audit-findings.mjs'

const ADVISORY = { url: 'https://github.com/advisories/GHSA-aaaa-bbbb-cccc', name: 'ws', title: 'Endless loop' }

test('an advisory of npm counts once, however many packages stand on the one it is about', () => {
  const report = { vulnerabilities: { ws: { via: [ADVISORY] }, fastify: { via: ['ws'] }, other: { via: [ADVISORY] } } }
  expect(npmFindings(report)).toEqual([{ id: 'GHSA-aaaa-bbbb-cccc', where: 'npm ws', title: 'Endless loop' }])
})

test('an advisory of PyPI has the name that npm would give it', () => {
  const vulns = [{ id: 'PYSEC-1-2', aliases: ['CVE-1-3', 'GHSA-x'], description: 'Leaks.\nAt length.' }]
  const dependencies = [
    { name: 'zict', version: '3.0.0', vulns },
    { name: 'zipp', version: '4.1.2', vulns: [] },
  ]
  expect(pipFindings({ dependencies })).toEqual([{ id: 'GHSA-x', where: 'PyPI zict 3.0.0', title: 'Leaks.' }])
})

test('a database that could not be asked is no clean answer', () => {
  expect(() => npmFindings({ message: '405 Method Not Allowed' })).toThrow('405 Method Not Allowed')
  const dependencies = [{ name: 'zipp', skip_reason: 'not found on PyPI' }]
  expect(() => pipFindings({ dependencies })).toThrow('1 packages could not be asked for: not found on PyPI')
})

test('what the document gives a reason for is known by its id', () => {
  const text = '| advisory | package |\n|---|---|\n| GHSA-aaaa-bbbb-cccc | ws | no sockets of strangers |\n'
  expect(reasonedIn(text)).toEqual(new Set(['GHSA-aaaa-bbbb-cccc']))
})
