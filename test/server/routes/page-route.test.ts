import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { openPageFile } from '../../../server/http/page-file.ts'
import { appStage, HOST } from '../../stage/app-stage.ts'
import { STAND_IN_HTML } from '../../stage/start-server.ts'

async function pageStage() {
  const stage = await appStage()
  const viewer = stage.open()
  const policyOf = async (query: string, host = HOST) => {
    const answer = await stage.app.inject({ url: `/${query}`, headers: { host } })
    expect(answer.statusCode).toBe(200)
    const policy = String(answer.headers['content-security-policy'])
    return Object.fromEntries(policy.split('; ').map((text) => [text.split(' ')[0], text.split(' ').slice(1)]))
  }
  const learn = (host: string, base: string, origin: string, ancestors = '') =>
    viewer.learnt.learn({ name: host, port: '' }, { base, origin, ancestors })
  return { ...stage, viewer, policyOf, learn }
}

describe('the page', () => {
  test('is one file with headers that shut it off, and the same bytes for everyone', async () => {
    const { app, viewer } = await pageStage()
    const [named, unnamed] = await Promise.all(
      [`/?jupyter=true&viewerId=${viewer.id}`, '/'].map((url) => app.inject({ url, headers: { host: HOST } })),
    )
    expect(named?.body).toBe(STAND_IN_HTML)
    expect(unnamed?.body).toBe(STAND_IN_HTML)
    expect(named?.headers).toMatchObject({
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'no-store',
      'cross-origin-resource-policy': 'cross-origin',
      'cross-origin-embedder-policy': 'require-corp',
      'cross-origin-opener-policy': 'same-origin',
      'origin-agent-cluster': '?1',
      'permissions-policy': expect.stringContaining('clipboard-write=(self)'),
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
    })
    for (const name of ['x-frame-options', 'etag', 'last-modified', 'set-cookie', 'server', 'x-powered-by']) {
      expect(named?.headers[name], name).toBeUndefined()
    }
  })

  test('runs the script and the style whose hashes it names itself, and nothing else', async () => {
    const { policyOf } = await pageStage()
    expect(await policyOf('')).toMatchObject({
      'default-src': ["'none'"],
      'script-src': [expect.stringMatching(/^'sha256-/)],
      'style-src': [expect.stringMatching(/^'sha256-/)],
      'base-uri': ["'none'"],
      'form-action': ["'none'"],
      'require-trusted-types-for': ["'script'"],
      'trusted-types': ['cellucid'],
      'connect-src': ["'self'"],
      'frame-ancestors': ["'self'", 'http://localhost:*', 'http://127.0.0.1:*'],
    })
  })

  test('connects to the learnt base by which it came, and no wider', async () => {
    const { policyOf, learn, viewer } = await pageStage()
    learn('hub.example', 'https://hub.example/user/a;b,c/proxy/8765/', 'https://hub.example')
    learn('other.example', 'https://other.example/', 'https://hub.example')
    const policy = await policyOf(`?viewerId=${viewer.id}`, 'hub.example')
    const path = 'hub.example/user/a%3Bb%2Cc/proxy/8765/'
    expect(policy['connect-src']).toEqual([`https://${path}`, `wss://${path}`])
    expect((await policyOf(`?viewerId=${viewer.id}`))['connect-src']).toEqual(["'self'"])
  })

  const embedders: [string, string, string[]][] = [
    ['https://hub.example', '', ["'self'", 'https://hub.example']],
    ['http://localhost:8888', '', ["'self'", 'http://localhost:8888']],
    ['https://hub.example', 'https://portal.example', ["'self'", 'https://hub.example', 'https://portal.example']],
    ['vscode-webview://0abc', '', ["'self'", 'vscode-webview:', 'https://*.vscode-cdn.net']],
    ['https://0abc.vscode-cdn.net', '', ["'self'", 'vscode-webview:', 'https://*.vscode-cdn.net']],
    ['https://evilvscode-cdn.net', '', ["'self'", 'https://evilvscode-cdn.net']],
    [
      'https://0-colab.colab.googleusercontent.com',
      'https://colab.research.google.com',
      ["'self'", 'https://colab.research.google.com', 'https://*.colab.googleusercontent.com'],
    ],
    ['http://colab.googleusercontent.com.evil', '', ["'self'", 'http://colab.googleusercontent.com.evil']],
  ]
  test.each(embedders)('may stand in a frame of %s %s', async (origin, ancestors, expected) => {
    const { policyOf, learn, viewer, open } = await pageStage()
    learn('127.0.0.1', 'http://127.0.0.1:8765/', origin, ancestors)
    expect((await policyOf(`?viewerId=${viewer.id}`))['frame-ancestors']).toEqual(expected)
    const unknown = ["'self'", 'http://localhost:*', 'http://127.0.0.1:*']
    expect((await policyOf(`?viewerId=${open().id}`))['frame-ancestors']).toEqual(unknown)
  })
})

describe('the page’s file', () => {
  const folderWith = (html: string | null) => {
    const folder = mkdtempSync(join(tmpdir(), 'cellucid-test-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    if (html !== null) writeFileSync(join(folder, 'index.html'), html)
    return folder
  }

  test('says in its own policy which script and style are its own', async () => {
    const hash = (text: string) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`
    const policy = `default-src 'none'; script-src ${hash('a')} 'wasm-unsafe-eval';\n style-src ${hash('b')}`
    const folder = folderWith(`<!doctype html><meta http-equiv="Content-Security-Policy" content="${policy}">`)
    expect((await openPageFile(folder)).policy).toEqual({
      scriptSources: `${hash('a')} 'wasm-unsafe-eval'`,
      styleSources: hash('b'),
    })
  })

  test.each([
    ['is missing', null],
    ['has no policy', '<!doctype html>'],
    ['names no script', `<meta http-equiv="Content-Security-Policy" content="style-src 'self'">`],
    [
      'would break the header',
      `<meta http-equiv="Content-Security-Policy" content="script-src 'self'\u0007; style-src a">`,
    ],
  ])('is refused where it %s', async (_name, html) => {
    await expect(openPageFile(folderWith(html))).rejects.toThrow()
  })
})
