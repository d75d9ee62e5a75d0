import { Scatter } from '../../../page/scatter/scatter.ts'
import { type BenchData, canvasIn, nextFrame, type Open, PIXELS_PER_UNIT, POINT_SIZE } from '../contender.ts'

const EMBEDDING = {
  kind: 'embedding',
  key: 'X',
  dimensions: 2,
  center: [0, 0],
  scale: 1,
  // The server measures the cells and sends this beside them; the others are told the same by PIXELS_PER_UNIT.
  low: [-1, -1, -1],
  high: [1, 1, 1],
  missingCells: 0,
  yDown: false,
} as const

export const open: Open = async (host) => {
  const scatter = new Scatter(canvasIn(host), { theme: 'light' })
  scatter.setStyle({ pointSize: POINT_SIZE })
  // It leaves room around the cells, which would be another picture than the others'. Two corners tell how much.
  scatter.setEmbedding({ ...EMBEDDING, positions: Float32Array.of(-1, -1, 1, 1) })
  const pixels = scatter.projectPoint([1, 0, 0])[0] - scatter.projectPoint([0, 0, 0])[0]
  scatter.camera = { center: [0, 0], zoom: PIXELS_PER_UNIT / pixels }
  let data: BenchData | null = null
  const clusters = (colors: readonly string[], codes: Uint8Array) =>
    scatter.setColor({ kind: 'categories', codes, colors, hidden: new Set() })
  return {
    async show(given) {
      data = given
      const { positions, codes, colors } = given
      scatter.setEmbedding({ ...EMBEDDING, positions })
      clusters(colors, codes)
      await scatter.whenDrawn()
    },
    async gene(index) {
      if (data === null) return
      const column = { kind: 'dense', values: data.genes[index], min: 0, max: 5, missingCells: 0 } as const
      scatter.setColor({ kind: 'values', column, cellCount: data.cellCount, scale: 'viridis', range: [0, 5] })
      await scatter.whenDrawn()
    },
    async palette() {
      if (data === null) return
      clusters(data.colors.with(0, '#000000'), data.codes)
      await scatter.whenDrawn()
    },
    async frame() {
      scatter.requestDraw()
      await scatter.whenDrawn()
    },
    async moving() {
      scatter.panBy(1, 0)
      await nextFrame()
    },
    hover: (x, y) => scatter.pick(x, y),
    async showDeep(given) {
      const positions = given.makeDeep()
      scatter.setEmbedding({ ...EMBEDDING, key: 'deep', dimensions: 3, center: [0, 0, 0], positions })
      scatter.setSelection(null)
      await scatter.whenDrawn()
    },
    async lasso(corners) {
      const cells = scatter.cellsInPolygon(corners)
      scatter.setSelection(cells)
      await scatter.whenDrawn()
      return cells
    },
  }
}
