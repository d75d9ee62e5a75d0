import { EmbeddingView } from 'embedding-atlas'
import { scaleGradient } from '../../../page/scatter/color/coloring.ts'
import { type BenchData, HEIGHT, nextFrame, type Open, PIXELS_PER_UNIT, POINT_SIZE, WIDTH } from '../contender.ts'

/** Its view without a database. It knows categories only, so a gene is 255 of them; hover and lasso go to a database. */
export const open: Open = async (host) => {
  let view: EmbeddingView | null = null
  let data: BenchData | null = null
  let columns = { x: new Float32Array(0), y: new Float32Array(0) }
  const viewport = { x: 0, y: 0, scale: PIXELS_PER_UNIT / (HEIGHT / 2) }
  const scale = Array.from({ length: 255 }, (_, step) => gradient(step / 254))
  /** It draws in an animation frame of its own, after its components have settled. */
  const drawn = async () => {
    await nextFrame()
    await nextFrame()
  }
  return {
    async show(given) {
      data = given
      columns = {
        x: given.positions.filter((_, i) => i % 2 === 0),
        y: given.positions.filter((_, i) => i % 2 === 1),
      }
      view = new EmbeddingView(host, {
        data: { ...columns, category: given.codes },
        categoryColors: [...given.colors],
        width: WIDTH,
        height: HEIGHT,
        pixelRatio: 1,
        config: { mode: 'points', pointSize: POINT_SIZE, autoLabelEnabled: false, downsampleMaxPoints: null },
        viewportState: viewport,
      })
      await drawn()
    },
    async gene(index) {
      const category = Uint8Array.from(data?.genes[index] ?? [], (value) => Math.round((value / 5) * 254))
      view?.update({ data: { ...columns, category }, categoryColors: scale })
      await drawn()
    },
    async palette() {
      if (data === null) return
      view?.update({ data: { ...columns, category: data.codes }, categoryColors: data.colors.with(0, '#000000') })
      await drawn()
    },
    async frame() {
      viewport.x += 0.001
      view?.update({ viewportState: { ...viewport } })
      await drawn()
    },
  }
}

const STOPS = scaleGradient('viridis')

function gradient(t: number): string {
  return STOPS[Math.round(t * (STOPS.length - 1))] ?? '#000000'
}
