import { type BenchData, type Contender, HEIGHT, type Open, WIDTH } from './contender.ts'

// Runs in the browser, in a bundle with one contender. The bench calls `step` by name and measures around it.

const CLUSTERS = 20
/** Frames of one movement; it is measured whole, and its frames are taken as alike. */
const MOVING_FRAMES = 5
const COLORS = Array.from({ length: CLUSTERS }, (_, i) => `hsl(${i * 18} 70% 50%)`)

let contender: Contender | null = null
let data: BenchData | null = null
const contexts: (WebGLRenderingContext | WebGL2RenderingContext)[] = []
let sentBytes = 0

/** Count what is sent to the graphics card and remember every context; before the library loads. */
export function watch(): void {
  const original = HTMLCanvasElement.prototype.getContext
  HTMLCanvasElement.prototype.getContext = function (this: HTMLCanvasElement, ...given: unknown[]) {
    const context: unknown = Reflect.apply(original, this, given)
    const isGraphics = context instanceof WebGLRenderingContext || context instanceof WebGL2RenderingContext
    if (isGraphics && !contexts.includes(context)) contexts.push(context)
    return context
  } as typeof original
  for (const prototype of [WebGLRenderingContext.prototype, WebGL2RenderingContext.prototype]) {
    for (const name of ['bufferData', 'bufferSubData', 'texImage2D', 'texSubImage2D'] as const)
      countBytes(prototype, name)
  }
}

function countBytes(
  prototype: WebGLRenderingContext,
  name: 'bufferData' | 'bufferSubData' | 'texImage2D' | 'texSubImage2D',
): void {
  const original = prototype[name] as (...given: unknown[]) => void
  Object.assign(prototype, {
    [name](this: WebGLRenderingContext, ...given: unknown[]) {
      const source = given.find((argument) => ArrayBuffer.isView(argument) || argument instanceof ArrayBuffer)
      if (source instanceof ArrayBuffer || ArrayBuffer.isView(source)) sentBytes += source.byteLength
      return Reflect.apply(original, this, given)
    },
  })
}

export function makeData(cellCount: number): void {
  const random = seeded(20_261_122)
  const bell = () => (random() + random() + random() + random() - 2) / 2
  const middles = Array.from({ length: CLUSTERS }, () => [random() * 1.5 - 0.75, random() * 1.5 - 0.75] as const)
  const positions = new Float32Array(cellCount * 2)
  const codes = new Uint8Array(cellCount)
  const genes = [new Float32Array(cellCount), new Float32Array(cellCount)] as const
  for (let cell = 0; cell < cellCount; cell++) {
    const cluster = Math.floor((cell / cellCount) * CLUSTERS)
    const [x, y] = middles[cluster] ?? [0, 0]
    codes[cell] = cluster
    positions[cell * 2] = Math.max(-1, Math.min(1, x + bell() * 0.25))
    positions[cell * 2 + 1] = Math.max(-1, Math.min(1, y + bell() * 0.25))
    for (const gene of genes) gene[cell] = random() < 0.6 ? 0 : random() * 5
  }
  // Corners, so that every library fits the same square.
  positions.set([-1, -1, 1, 1])
  const makeDeep = () => deepened(positions, () => bell() * 0.5)
  data = { cellCount, positions, makeDeep, codes, colors: COLORS, genes }
}

/** @returns the same places with a height each, shape (n, 3) */
function deepened(positions: Float32Array, height: () => number): Float32Array {
  const deep = new Float32Array((positions.length / 2) * 3)
  for (let cell = 0; cell < positions.length / 2; cell++) {
    deep.set([positions[cell * 2] ?? 0, positions[cell * 2 + 1] ?? 0, height()], cell * 3)
  }
  return deep
}

export async function openContender(open: Open): Promise<void> {
  const host = document.createElement('div')
  host.style.cssText = `width: ${WIDTH}px; height: ${HEIGHT}px`
  document.body.append(host)
  contender = await open(host)
}

export type StepName = 'show' | 'gene' | 'palette' | 'frame' | 'moving' | 'hover' | 'hover3d' | 'lasso'
type Found = { count: number; sum: number }
/** `times` is how often the operation was done; all else is of one of them. */
export type StepResult = { wallMs: number; sentBytes: number; times: number; found?: Found }

/** Show the embedding of three dimensions, where the library has them. */
export async function showDeep(): Promise<void> {
  if (data !== null) await contender?.showDeep?.(data)
  waitForCard()
}

/** Do one operation and wait for the graphics card. @returns null where the library has no such operation */
export async function step(name: StepName, repeat: number): Promise<StepResult | null> {
  if (contender === null || data === null) throw new Error('no contender')
  const bytesBefore = sentBytes
  const start = performance.now()
  const result = await run(contender, data, { name, repeat })
  if (result === null) return null
  // Which cell it is, is known before anything is drawn of it.
  if (name !== 'hover' && name !== 'hover3d') waitForCard()
  const times = name === 'moving' ? MOVING_FRAMES : 1
  return { wallMs: (performance.now() - start) / times, sentBytes: (sentBytes - bytesBefore) / times, times, ...result }
}

function waitForCard(): void {
  for (const gl of contexts) gl.readPixels(0, 0, 1, 1, gl.RGBA, gl.UNSIGNED_BYTE, new Uint8Array(4))
}

async function run(
  who: Contender,
  given: BenchData,
  { name, repeat }: { name: StepName; repeat: number },
): Promise<{ found?: Found } | null> {
  switch (name) {
    case 'show':
      await who.show(given)
      return {}
    case 'gene':
      await who.gene(repeat % 2 === 0 ? 0 : 1)
      return {}
    case 'hover':
    case 'hover3d': {
      const isMissing = name === 'hover3d' && !who.showDeep
      if (!who.hover || isMissing) return null
      const cell = who.hover(100 + ((repeat * 37) % 600), 100 + ((repeat * 53) % 400))
      return typeof cell === 'number' ? { found: { count: 1, sum: cell } } : {}
    }
    case 'lasso': {
      if (!who.lasso) return null
      const cells = await who.lasso(lassoCorners())
      return { found: { count: cells.length, sum: cells.reduce((sum, cell) => sum + cell, 0) } }
    }
    case 'moving': {
      if (!who.moving) return null
      for (let frame = 0; frame < MOVING_FRAMES; frame++) {
        await who.moving()
        waitForCard()
      }
      return {}
    }
    default: {
      const operation = who[name]
      if (!operation) return null
      await operation.call(who)
      return {}
    }
  }
}

/** 64 corners that hold a little over half of the cells. */
function lassoCorners(): [number, number][] {
  return Array.from({ length: 64 }, (_, i) => {
    const angle = (i / 64) * 2 * Math.PI
    const radius = 200 + 40 * Math.sin(angle * 5)
    return [WIDTH / 2 + radius * Math.cos(angle), HEIGHT / 2 + radius * Math.sin(angle)]
  })
}

function seeded(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}
