import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { chromium } from 'playwright-core'
import { expect, onTestFinished, test, vi } from 'vitest'
import { encodeFrame } from '../../protocol/frame.ts'
import { ROUTES } from '../../protocol/urls.ts'
import { CHROMIUM_ARGUMENTS, findChromium } from '../../scripts/chromium.mjs'
import { listen } from '../../server/process/listen.ts'
import { appStage } from '../stage/app-stage.ts'

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

type Target = { base: string; route: string; body: number[] }

/** What another page tries with a server it found on this machine; each says `true` when it got through. */
async function attack({ base, route, body }: Target): Promise<Record<string, boolean>> {
  const url = base + route
  const done = (promise: Promise<unknown>) => promise.then(() => true).catch(() => false)
  const element = (name: string, source: Record<string, string>) =>
    new Promise<boolean>((resolve) => {
      const made = Object.assign(document.createElement(name), source)
      made.onload = () => resolve(true)
      made.onerror = () => resolve(false)
      document.body.append(made)
      setTimeout(() => resolve(false), 1_500)
    })
  const opened = (socket: WebSocket | EventSource) =>
    new Promise<boolean>((resolve) => {
      socket.onopen = () => resolve(true)
      socket.onerror = () => resolve(false)
    })
  const form = () => {
    const made = Object.assign(document.createElement('form'), {
      action: url,
      method: 'POST',
      enctype: 'text/plain',
      target: 'sink',
    })
    const sink = Object.assign(document.createElement('iframe'), { name: 'sink' })
    document.body.append(sink, made)
    made.submit()
    return false
  }
  const bytes = Uint8Array.from(body)
  return {
    fetchCors: await done(fetch(url)),
    fetchWithCredentials: await done(fetch(url, { credentials: 'include' })),
    fetchWithKey: await done(fetch(url, { headers: { 'X-Cellucid-Key': 'x'.repeat(43) } })),
    fetchOpaqueIsReadable: await fetch(url, { mode: 'no-cors' }).then(
      async (answer) => (await answer.text()) !== '',
      () => false,
    ),
    postText: await done(fetch(url, { method: 'POST', body: '{}' })),
    postBytes: await done(
      fetch(url, { method: 'POST', body: bytes, headers: { 'content-type': 'application/octet-stream' } }),
    ),
    script: await element('script', { src: url }),
    style: await element('link', { rel: 'stylesheet', href: url }),
    image: await element('img', { src: url }),
    socket: await opened(new WebSocket(`${base.replace('http', 'ws')}_cellucid/channel`)),
    events: await opened(new EventSource(url)),
    form: form(),
    // Says only that it was queued; the server's own count tells the rest.
    beacon: navigator.sendBeacon(url, '{}') && false,
  }
}

test.skipIf(findChromium() === null)(
  'another page in the user’s browser gets nothing, and reaches no route',
  async () => {
    const { app, report, open, viewers } = await appStage()
    open()
    const port = await listen(app, 0, false)
    const evil = createServer((_request, response) =>
      response.setHeader('content-type', 'text/html').end('<body></body>'),
    )
    await new Promise<void>((resolve) => evil.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => {
      evil.closeAllConnections()
      evil.close()
    })
    const { port: evilPort } = evil.address() as AddressInfo // listens on TCP
    const args = [...CHROMIUM_ARGUMENTS, '--host-resolver-rules=MAP *.example.test 127.0.0.1']
    const browser = await chromium.launch({ executablePath: findChromium() ?? '', args, chromiumSandbox: false })
    onTestFinished(() => browser.close())
    const hello = encodeFrame({ kind: 'hello', protocol: 1, proof: 'x'.repeat(43) })
    // Another site, and one that only has another port: the browser calls that one the same site.
    for (const host of ['evil.example.test', '127.0.0.1']) {
      const page = await browser.newPage()
      await page.goto(`http://${host}:${evilPort}/`)
      for (const route of [ROUTES.identity, ROUTES.events, ROUTES.key, ROUTES.health]) {
        const outcome = await page.evaluate(attack, { base: `http://127.0.0.1:${port}/`, route, body: [...hello] })
        expect(Object.entries(outcome).filter(([, gotThrough]) => gotThrough)).toEqual([])
      }
      await page.close()
    }
    // Health of the same site may be asked without Origin, as by an image; it says that something lives, and cannot be read.
    const answered = (await report.of(null)).requests.filter(({ status }) => status < 400)
    expect(answered.filter(({ route }) => route !== `/${ROUTES.health}`)).toEqual([])
    expect(viewers.all.flatMap(({ pages }) => pages)).toEqual([])
  },
)
