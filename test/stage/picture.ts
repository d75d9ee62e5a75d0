import type { Locator, Page } from 'playwright-core'

export type Rgb = readonly [number, number, number]

/**
 * Count the pixels of a PNG that have each of these colours.
 * @param page any page of a browser; the PNG is decoded in a blank one beside it
 * @param tolerance largest difference per channel, 0 to 255
 * @returns one count per colour
 */
export async function countColors(page: Page, png: Buffer, colors: readonly Rgb[], tolerance = 12): Promise<number[]> {
  const blank = await page.context().newPage()
  try {
    return await blank.evaluate(countInBrowser, { data: png.toString('base64'), colors, tolerance })
  } finally {
    await blank.close()
  }
}

async function countInBrowser(asked: { data: string; colors: readonly Rgb[]; tolerance: number }): Promise<number[]> {
  const bytes = Uint8Array.from(atob(asked.data), (character) => character.charCodeAt(0))
  const bitmap = await createImageBitmap(new Blob([bytes], { type: 'image/png' }))
  const context = new OffscreenCanvas(bitmap.width, bitmap.height).getContext('2d')
  if (context === null) throw new Error('no 2D canvas')
  context.drawImage(bitmap, 0, 0)
  const { data } = context.getImageData(0, 0, bitmap.width, bitmap.height)
  return asked.colors.map(([red, green, blue]) => {
    let count = 0
    for (let i = 0; i < data.length; i += 4) {
      const distance = Math.max(
        Math.abs((data[i] ?? 0) - red),
        Math.abs((data[i + 1] ?? 0) - green),
        Math.abs((data[i + 2] ?? 0) - blue),
      )
      if (distance <= asked.tolerance) count++
    }
    return count
  })
}

/** "#rrggbb" as three numbers. */
export function parseHex(color: string): Rgb {
  const value = Number.parseInt(color.slice(1, 7), 16)
  return [value >> 16, (value >> 8) & 255, value & 255]
}

/**
 * How much of two PNGs of the same size differs.
 * @returns the share of pixels with a channel that is off by more than `tolerance`, 0 to 1; 1 where the sizes differ
 */
export async function differentPixels(page: Page, one: Buffer, other: Buffer, tolerance = 24): Promise<number> {
  const blank = await page.context().newPage()
  try {
    const pngs = [one, other].map((png) => png.toString('base64'))
    return await blank.evaluate(compareInBrowser, { pngs, tolerance })
  } finally {
    await blank.close()
  }
}

async function compareInBrowser({ pngs, tolerance }: { pngs: string[]; tolerance: number }): Promise<number> {
  const [one, other] = await Promise.all(
    pngs.map(async (png) => {
      const bytes = Uint8Array.from(atob(png), (character) => character.charCodeAt(0))
      const bitmap = await createImageBitmap(new Blob([bytes], { type: 'image/png' }))
      const context = new OffscreenCanvas(bitmap.width, bitmap.height).getContext('2d')
      if (context === null) throw new Error('no 2D canvas')
      context.drawImage(bitmap, 0, 0)
      return context.getImageData(0, 0, bitmap.width, bitmap.height)
    }),
  )
  if (one === undefined || other === undefined || one.width !== other.width || one.height !== other.height) return 1
  let different = 0
  for (let pixel = 0; pixel < one.data.length; pixel += 4) {
    const isOff = [0, 1, 2].some(
      (channel) => Math.abs((one.data[pixel + channel] ?? 0) - (other.data[pixel + channel] ?? 0)) > tolerance,
    )
    if (isOff) different++
  }
  return different / (one.data.length / 4)
}

/** How many colours a PNG has, decoded in a blank page beside this one. */
export async function colorsOf(page: Page, png: Buffer): Promise<number> {
  const blank = await page.context().newPage()
  try {
    return await blank.evaluate(async (data) => {
      const bytes = Uint8Array.from(atob(data), (character) => character.charCodeAt(0))
      const bitmap = await createImageBitmap(new Blob([bytes], { type: 'image/png' }))
      const context = new OffscreenCanvas(bitmap.width, bitmap.height).getContext('2d')
      context?.drawImage(bitmap, 0, 0)
      return new Set(new Uint32Array(context?.getImageData(0, 0, bitmap.width, bitmap.height).data.buffer ?? [])).size
    }, png.toString('base64'))
  } finally {
    await blank.close()
  }
}

/** The picture on a canvas once it has stopped moving. */
export async function settledPicture(canvas: Locator): Promise<Buffer> {
  let last = await canvas.screenshot()
  for (let tries = 0; tries < 20; tries++) {
    const next = await canvas.screenshot()
    if (next.equals(last)) return next
    last = next
  }
  return last
}
