import type { Frame, Page } from 'playwright-core'
import { firstByteAt } from './notebook.ts'

/** The model of the peer's widget, as anywidget hands it out. */
type PlainModel = {
  send(content: object): void
  on(event: 'msg:custom', callback: (content: { id: number }, buffers: DataView[]) => void): void
  off(event: 'msg:custom', callback: (content: { id: number }, buffers: DataView[]) => void): void
}
declare global {
  var plainComm: PlainModel
}

/** From making a plain frame for a known address to its first byte, milliseconds. */
export async function plainFrameMs(page: Page, url: string): Promise<number> {
  const startedAt = await page.evaluate((address) => {
    const iframe = document.createElement('iframe')
    iframe.id = 'plain'
    const now = performance.timeOrigin + performance.now()
    document.body.append(iframe)
    iframe.contentWindow?.location.replace(address)
    return new Promise<number>((resolve) => iframe.addEventListener('load', () => resolve(now)))
  }, url)
  return await firstByteAndRemove(page, startedAt)
}

/** The same where the bytes come as one plain message: asked for, and put into a `srcdoc`. */
export async function plainPageMs(page: Page, name: string): Promise<number> {
  const startedAt = await page.evaluate(async (body) => {
    const now = performance.timeOrigin + performance.now()
    const bytes = await new Promise<DataView>((resolve) => {
      const hear = (_content: { id: number }, [buffer]: DataView[]) => {
        globalThis.plainComm.off('msg:custom', hear)
        if (buffer !== undefined) resolve(buffer)
      }
      globalThis.plainComm.on('msg:custom', hear)
      globalThis.plainComm.send({ id: 0, name: body, start: 0, end: 1 << 30 })
    })
    const iframe = document.createElement('iframe')
    iframe.id = 'plain'
    iframe.setAttribute('sandbox', 'allow-scripts')
    iframe.srcdoc = new TextDecoder().decode(bytes)
    document.body.append(iframe)
    return await new Promise<number>((resolve) => iframe.addEventListener('load', () => resolve(now)))
  }, name)
  return await firstByteAndRemove(page, startedAt)
}

async function firstByteAndRemove(page: Page, startedAt: number): Promise<number> {
  const iframe = page.locator('iframe#plain')
  const frame = await (await iframe.elementHandle())?.contentFrame()
  if (!frame) throw new Error('The plain frame is not there')
  const ms = (await firstByteAt(frame)) - startedAt
  await iframe.evaluate((node) => node.remove())
  return ms
}

/** What is asked for: parts of a body, or the same small thing again and again. */
export type Load = { name: string; parts: readonly [start: number, end: number][]; inFlight: number }

/** Ask for all parts by plain messages, so many at once. @returns milliseconds */
export async function plainMs(page: Page, load: Load): Promise<number> {
  return await page.evaluate(async ({ name, parts, inFlight }) => {
    const waiting = new Map<number, (bytes: DataView | undefined) => void>()
    const hear = ({ id }: { id: number }, [buffer]: DataView[]) => waiting.get(id)?.(buffer)
    globalThis.plainComm.on('msg:custom', hear)
    const queue = [...parts.entries()]
    const startMs = performance.now()
    const work = async () => {
      for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
        const [id, [start, end]] = next
        const bytes = await new Promise<DataView | undefined>((resolve) => {
          waiting.set(id, resolve)
          globalThis.plainComm.send({ id, name, start, end })
        })
        if (bytes?.byteLength !== end - start) throw new Error(`Part ${id} came with ${bytes?.byteLength} bytes`)
      }
    }
    await Promise.all(Array.from({ length: inFlight }, work))
    globalThis.plainComm.off('msg:custom', hear)
    return performance.now() - startMs
  }, load)
}

/** The same through the tunnel, from inside the viewer's page. @returns milliseconds */
export async function tunnelMs(frame: Frame, load: Load): Promise<number> {
  return await frame.evaluate(async ({ name, parts, inFlight }) => {
    const waiting = new Map<number, (answer: { status: number; body: Uint8Array }) => void>()
    const hear = ({ data }: MessageEvent) => waiting.get(data.id)?.(data)
    globalThis.pagePort.addEventListener('message', hear)
    const queue = [...parts.entries()]
    const firstId = 1_000_000 // beyond the page's own
    const startMs = performance.now()
    const work = async () => {
      for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
        const [place, [start, end]] = next
        const id = firstId + place
        const headers = { 'X-Cellucid-Key': globalThis.pageKey, Range: `bytes=${start}-${end - 1}` }
        const { status, body } = await new Promise<{ status: number; body: Uint8Array }>((resolve) => {
          waiting.set(id, resolve)
          globalThis.pagePort.postMessage({ kind: 'fetch', id, method: 'GET', path: name, headers, body: null })
        })
        if (status >= 300 || (status === 206 && body.byteLength !== end - start))
          throw new Error(`Part ${id} was answered ${status} with ${body.byteLength} bytes`)
      }
    }
    await Promise.all(Array.from({ length: inFlight }, work))
    globalThis.pagePort.removeEventListener('message', hear)
    return performance.now() - startMs
  }, load)
}
